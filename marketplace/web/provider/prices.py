"""The price of a model, with what it means while it is typed."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from marketplace.catalog.services.pricing import price_model
from marketplace.core.money import NotAnAmount, parse_amount
from marketplace.core.problems import Conflict
from marketplace.web.provider.model_page import own_model, page_context, price_context
from marketplace.web.shared.access import MemberRequest, member_page


@member_page
def price_preview(request: MemberRequest, name: str) -> HttpResponse:
    """What the price that is being typed would mean."""
    found = own_model(request, name)
    return render(
        request, "provider/_preview.html", page_context(request, found) | price_context(found, _typed(request))
    )


@require_POST
@member_page
def set_price(request: MemberRequest, name: str) -> HttpResponse:
    found, typed = own_model(request, name), _typed(request)
    try:
        price_model(model=found, amount=parse_amount(typed), actor=request.membership.user)
    except NotAnAmount as error:
        context = page_context(request, found) | price_context(found, typed) | {"price_error": str(error)}
        return render(request, "provider/model.html", context, status=422)
    except Conflict as problem:
        messages.error(request, problem.detail)
    return redirect("web:provider_model", request.membership.organization.slug, found.name)


def _typed(request: MemberRequest) -> str:
    given = request.POST if request.method == "POST" else request.GET
    return given.get("price", "").strip()[:60]
