"""One model of a provider: its versions, and putting them on sale."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from marketplace.accounts.policy import Action
from marketplace.catalog.services.listing import list_version, unlist
from marketplace.core.problems import Conflict, NotFound
from marketplace.web.provider.forms import VersionForm
from marketplace.web.provider.model_page import own_listing, own_model, page_context
from marketplace.web.shared.access import MemberRequest, member_page
from providers.selectors import version_numbered
from providers.services.repositories import delete_repository


@member_page(Action.SEE_MODELS)
def model(request: MemberRequest, name: str) -> HttpResponse:
    """One model of the organisation."""
    return render(request, "provider/model.html", page_context(request, own_model(request, name)))


@require_POST
@member_page(Action.LIST_MODEL)
def put_on_sale(request: MemberRequest, name: str) -> HttpResponse:
    """List the version with the given number."""
    found = own_model(request, name)
    version = version_numbered(found, VersionForm.of(request).given()["version"])
    if version is None:
        raise NotFound("There is no such version")
    try:
        list_version(version=version, actor=request.actor)
    except Conflict as problem:
        messages.error(request, problem.detail)
    else:
        messages.success(request, f"Version {version.number} is on sale.")
    return redirect("web:provider_model", request.membership.organization.slug, found.name)


@require_POST
@member_page(Action.UNLIST_MODEL)
def take_off_sale(request: MemberRequest, name: str) -> HttpResponse:
    """Take the model off sale."""
    found = own_model(request, name)
    listing = own_listing(request, found)
    if listing is not None:
        unlist(listing=listing, actor=request.actor)
        messages.success(request, f"{found.name} is no longer on sale.")
    return redirect("web:provider_model", request.membership.organization.slug, found.name)


@require_POST
@member_page(Action.DELETE_MODEL)
def delete(request: MemberRequest, name: str) -> HttpResponse:
    """Delete a model that was never listed or called."""
    found = own_model(request, name)
    try:
        delete_repository(actor=request.actor, model=found)
    except Conflict as problem:
        messages.error(request, problem.detail)
        return redirect("web:provider_model", request.membership.organization.slug, found.name)
    messages.success(request, f"{found.name} was deleted.")
    return redirect("web:provider_models", request.membership.organization.slug)
