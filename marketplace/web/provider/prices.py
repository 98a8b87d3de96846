"""The price of a model, with a preview while it is typed."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from marketplace.accounts.policy import Action
from marketplace.catalog.services.pricing import price_model
from marketplace.core.problems import Conflict
from marketplace.web.provider.forms import PriceForm
from marketplace.web.provider.model_page import own_model, page_context, price_context, price_options
from marketplace.web.shared.access import MemberRequest, member_page


@member_page(Action.SEE_MODELS)
def price_preview(request: MemberRequest, name: str) -> HttpResponse:
    """The preview of the price that is being typed."""
    found = own_model(request, name)
    form = PriceForm.of_query(request, **price_options(found))
    return render(request, "provider/_preview.html", price_context(found, form))


@require_POST
@member_page(Action.SET_PRICE)
def set_price(request: MemberRequest, name: str) -> HttpResponse:
    """Put a price into effect for later calls."""
    found = own_model(request, name)
    form = PriceForm.of(request, **price_options(found))
    if form.is_valid():
        try:
            amount, unit = form.cleaned_data["price"], form.chosen_unit
            form.attempt(price_model, model=found, amount=amount, unit=unit, actor=request.actor)
        except Conflict as problem:
            messages.error(request, problem.detail)
    if form.errors:
        return render(request, "provider/model.html", page_context(request, found, form), status=form.status)
    return redirect("web:provider_model", request.membership.organization.slug, found.name)
