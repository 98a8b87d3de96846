"""One model of a provider: its price with what it means, its versions, and what is on sale."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from billing.pricing.domain import Unit
from billing.pricing.selectors import price_history
from marketplace.accounts.policy import Action
from marketplace.catalog.domain import sku_of
from marketplace.catalog.models import Listing
from marketplace.catalog.selectors import listings_for_provider, price_of
from marketplace.catalog.services.listing import list_version, unlist
from marketplace.catalog.services.pricing import device_hour_cost, preview, price_model
from marketplace.core.money import NotAnAmount, decimal_text, parse_amount
from marketplace.core.problems import Conflict, NotFound
from marketplace.web.access import MemberRequest, member_page
from marketplace.web.versions import profile_of
from providers import tasks
from providers.domain import VersionState
from providers.models import GenerativeModel
from providers.selectors import checks_of, model_named, version_numbered, versions_for_provider
from providers.services.repositories import delete_repository


@member_page(Action.SEE_MODELS)
def model(request: MemberRequest, name: str) -> HttpResponse:
    return render(request, "provider/model.html", _context(request, _model(request, name)))


@member_page(Action.SEE_MODELS)
def price_preview(request: MemberRequest, name: str) -> HttpResponse:
    """What the price that is being typed would mean."""
    found = _model(request, name)
    return render(request, "provider/_preview.html", _context(request, found) | _preview(found, _typed(request)))


@require_POST
@member_page(Action.SET_PRICE)
def set_price(request: MemberRequest, name: str) -> HttpResponse:
    found, typed = _model(request, name), _typed(request)
    try:
        price_model(model=found, amount=parse_amount(typed), actor=request.actor)
    except NotAnAmount as error:
        context = _context(request, found) | _preview(found, typed) | {"price_error": str(error)}
        return render(request, "provider/model.html", context, status=422)
    except Conflict as problem:
        messages.error(request, problem.detail)
    return redirect("web:provider_model", request.membership.organization.slug, found.name)


@require_POST
@member_page(Action.LIST_MODEL)
def put_on_sale(request: MemberRequest, name: str) -> HttpResponse:
    """List the version whose number is given."""
    found = _model(request, name)
    number = request.POST.get("version", "")
    version = version_numbered(found, int(number)) if number.isascii() and number.isdigit() else None
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
    found = _model(request, name)
    listing = _listing(request, found)
    if listing is not None:
        unlist(listing=listing, actor=request.actor)
        messages.success(request, f"{found.name} is no longer on sale.")
    return redirect("web:provider_model", request.membership.organization.slug, found.name)


@require_POST
@member_page(Action.DELETE_MODEL)
def delete(request: MemberRequest, name: str) -> HttpResponse:
    found = _model(request, name)
    try:
        delete_repository(actor=request.actor, model=found)
    except Conflict as problem:
        messages.error(request, problem.detail)
        return redirect("web:provider_model", request.membership.organization.slug, found.name)
    messages.success(request, f"{found.name} was deleted.")
    return redirect("web:provider_models", request.membership.organization.slug)


def _context(request: MemberRequest, found: GenerativeModel) -> dict[str, Any]:
    price, listing = price_of(found.pk), _listing(request, found)
    versions = list(versions_for_provider(found))
    typed = decimal_text(price.amount).rstrip("0").rstrip(".") if price else ""
    return {
        "model": found,
        "slug": f"{request.membership.organization.slug}/{found.name}",
        "listing": listing,
        "versions": versions,
        "checking": any(version.state == VersionState.CHECKING for version in versions),
        "passed": [version for version in versions if version.state == VersionState.PASSED],
        "price": price,
        "history": price_history(sku_of(found.pk)),
        "can_delete": listing is None,
        "unit": tasks.task_named(found.task).unit if found.task else "",
    } | _preview(found, typed)


def _preview(found: GenerativeModel, typed: str) -> dict[str, Any]:
    """The typed price and what it means, or what is wrong with it."""
    profile = _profile(found)
    context: dict[str, Any] = {
        "typed": typed,
        "profile": profile,
        "fee_percent": settings.PLATFORM_FEE_BPS / 100,
        "has_hour_cost": device_hour_cost() is not None,
    }
    if not typed or not found.task:
        return context
    try:
        amount = parse_amount(typed)
    except NotAnAmount as error:
        return context | {"preview_error": str(error)}
    unit = Unit(tasks.task_named(found.task).unit)
    return context | {"splits": preview(unit=unit, amount=amount, unit_seconds=profile.get("alone"))}


def _profile(found: GenerativeModel) -> dict[str, Any]:
    """What was measured of the newest version that passed."""
    version = found.versions.filter(state=VersionState.PASSED).first()
    return profile_of(checks_of(version)) if version is not None else {}


def _typed(request: MemberRequest) -> str:
    given = request.POST if request.method == "POST" else request.GET
    return given.get("price", "").strip()[:60]


def _model(request: MemberRequest, name: str) -> GenerativeModel:
    found = model_named(request.membership.organization.slug, name)
    if found is None:
        raise NotFound("There is no such model")
    return found


def _listing(request: MemberRequest, found: GenerativeModel) -> Listing | None:
    listings = listings_for_provider(request.membership.organization_id)
    return next((listing for listing in listings if listing.model_id == found.pk), None)
