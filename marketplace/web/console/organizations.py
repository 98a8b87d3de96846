"""Where the console begins: the organisation looked at last, or a new one."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from marketplace.accounts.services.organizations import create_organization
from marketplace.core.problems import Invalid
from marketplace.web.shared.access import current_membership
from marketplace.web.shared.forms import by_field


@login_required
def entrance(request: HttpRequest) -> HttpResponse:
    """`/console/`: the organisation looked at last, on its own side of the market."""
    membership = current_membership(request)
    if membership is None:
        return redirect("web:new_organization")
    side = "web:console_predictions" if membership.organization.can_buy else "web:provider_models"
    return redirect(side, membership.organization.slug)


@login_required
def new_organization(request: HttpRequest) -> HttpResponse:
    values = {"name": "", "slug": "", "can_buy": True, "can_provide": False}
    errors: dict[str, str] = {}
    if request.method == "POST":
        values = {
            "name": request.POST.get("name", ""),
            "slug": request.POST.get("slug", ""),
            "can_buy": "can_buy" in request.POST,
            "can_provide": "can_provide" in request.POST,
        }
        assert request.user.is_authenticated
        try:
            organization = create_organization(
                creator=request.user,
                name=str(values["name"])[:100],
                slug=str(values["slug"]),
                can_buy=bool(values["can_buy"]),
                can_provide=bool(values["can_provide"]),
            )
        except Invalid as problem:
            errors = by_field(problem)
        else:
            side = "web:console_balance" if organization.can_buy else "web:provider_models"
            return redirect(side, organization.slug)
    return render(
        request, "console/new_organization.html", {"values": values, "errors": errors}, status=422 if errors else 200
    )
