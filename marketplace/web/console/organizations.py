"""Where the console begins: the organisation looked at last, or a new one."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from marketplace.accounts.services.organizations import create_organization
from marketplace.web.console.forms import OrganizationForm
from marketplace.web.shared.access import current_membership


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
    """The form of a new organisation, which its creator owns."""
    assert request.user.is_authenticated
    form = OrganizationForm.of(request)
    if form.is_valid():
        organization = form.attempt(create_organization, creator=request.user, **form.cleaned_data)
        if organization is not None:
            side = "web:console_balance" if organization.can_buy else "web:provider_models"
            return redirect(side, organization.slug)
    return render(request, "console/new_organization.html", {"form": form}, status=form.status)
