"""The console's entrance: the organisation last visited, or the form of a new one."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from marketplace.accounts.policy import Action
from marketplace.accounts.selectors import actor_of
from marketplace.accounts.services.organizations import create_organization
from marketplace.web.console.forms import OrganizationForm
from marketplace.web.shared.access import BUYING, PROVIDING, MemberRequest, current_membership, first_page, member_page


@login_required
def entrance(request: HttpRequest) -> HttpResponse:
    """`/console/`: redirect to the organisation last visited, on its side of the market."""
    membership = current_membership(request)
    if membership is None:
        return redirect("web:new_organization")
    pages = BUYING if membership.organization.can_buy else PROVIDING
    return redirect(first_page(actor_of(membership), pages), membership.organization.slug)


@member_page(Action.SEE_MEMBERS)
def organization_entrance(request: MemberRequest) -> HttpResponse:
    """`/console/{org}/`: redirect to the first page that the member may see."""
    return redirect(first_page(request.actor, BUYING), request.actor.organization_slug)


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
