"""One model of a provider: its price with what it means, its versions, and what is on sale."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from billing.pricing.domain import Unit
from billing.pricing.selectors import price_history
from marketplace.catalog.domain import sku_of
from marketplace.catalog.models import Listing
from marketplace.catalog.selectors import listings_for_provider, price_of
from marketplace.catalog.services.listing import list_version, unlist
from marketplace.catalog.services.pricing import device_hour_cost, preview, price_model, seconds_of_unit
from marketplace.core.money import NotAnAmount, decimal_text, parse_amount
from marketplace.core.problems import Conflict, NotFound
from marketplace.web.access import MemberRequest, member_page
from marketplace.web.versions import profile_of
from providers import tasks
from providers.domain import VersionState
from providers.models import GenerativeModel
from providers.selectors import checks_of, model_named, version_numbered, versions_for_provider
from providers.services.repositories import delete_repository


@member_page
def model(request: MemberRequest, name: str) -> HttpResponse:
    return render(request, "provider/model.html", _context(request, _model(request, name)))


@member_page
def price_preview(request: MemberRequest, name: str) -> HttpResponse:
    """What the price that is being typed would mean."""
    found = _model(request, name)
    return render(
        request,
        "provider/_preview.html",
        _context(request, found) | _preview(found, _typed(request), _unit(request, found)),
    )


@require_POST
@member_page
def set_price(request: MemberRequest, name: str) -> HttpResponse:
    found, typed = _model(request, name), _typed(request)
    unit = _unit(request, found)
    try:
        price_model(model=found, amount=parse_amount(typed), unit=unit, actor=request.membership.user)
    except NotAnAmount as error:
        context = _context(request, found) | _preview(found, typed, unit) | {"price_error": str(error)}
        return render(request, "provider/model.html", context, status=422)
    except Conflict as problem:
        messages.error(request, problem.detail)
    return redirect("web:provider_model", request.membership.organization.slug, found.name)


@require_POST
@member_page
def put_on_sale(request: MemberRequest, name: str) -> HttpResponse:
    """List the version whose number is given."""
    found = _model(request, name)
    number = request.POST.get("version", "")
    version = version_numbered(found, int(number)) if number.isascii() and number.isdigit() else None
    if version is None:
        raise NotFound("There is no such version")
    try:
        list_version(version=version, actor=request.membership.user)
    except Conflict as problem:
        messages.error(request, problem.detail)
    else:
        messages.success(request, f"Version {version.number} is on sale.")
    return redirect("web:provider_model", request.membership.organization.slug, found.name)


@require_POST
@member_page
def take_off_sale(request: MemberRequest, name: str) -> HttpResponse:
    found = _model(request, name)
    listing = _listing(request, found)
    if listing is not None:
        unlist(listing=listing, actor=request.membership.user)
        messages.success(request, f"{found.name} is no longer on sale.")
    return redirect("web:provider_model", request.membership.organization.slug, found.name)


@require_POST
@member_page
def delete(request: MemberRequest, name: str) -> HttpResponse:
    found = _model(request, name)
    try:
        delete_repository(model=found, by=request.membership.user)
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
        "units": tasks.task_named(found.task).units if found.task else (),
    } | _preview(found, typed, price.unit if price else None)


def _preview(found: GenerativeModel, typed: str, unit: Unit | None) -> dict[str, Any]:
    """The typed price and what it means, or what is wrong with it; without a unit, for the task's usual one."""
    version = found.versions.filter(state=VersionState.PASSED).first()
    profile = profile_of(checks_of(version)) if version is not None else {}
    context: dict[str, Any] = {
        "typed": typed,
        "profile": profile,
        "unit": unit,
        "fee_percent": settings.PLATFORM_FEE_BPS / 100,
        "has_hour_cost": device_hour_cost() is not None,
    }
    if not found.task:
        return context
    task = tasks.task_named(found.task)
    unit = context["unit"] = unit or task.units[0]
    if not typed:
        return context
    try:
        amount = parse_amount(typed)
    except NotAnAmount as error:
        return context | {"preview_error": str(error)}
    seconds = None
    if version is not None:
        seconds = seconds_of_unit(profile, task=task, schema=version.input_schema, unit=unit)
    return context | {"splits": preview(unit=unit, amount=amount, unit_seconds=seconds)}


def _unit(request: MemberRequest, found: GenerativeModel) -> Unit | None:
    """The unit that was chosen, if it is one that the model can be sold by."""
    given = request.POST if request.method == "POST" else request.GET
    units = tasks.task_named(found.task).units if found.task else ()
    return next((unit for unit in units if unit == given.get("unit")), None)


def _typed(request: MemberRequest) -> str:
    given = request.POST if request.method == "POST" else request.GET
    return given.get("price", "").strip()[:60]


def _model(request: MemberRequest, name: str) -> GenerativeModel:
    found = model_named(request.membership.organization.slug, name)
    if found is None:
        raise NotFound("There is no such model")
    return found


def _listing(request: MemberRequest, found: GenerativeModel) -> Listing | None:
    listings = listings_for_provider(request.membership.organization)
    return next((listing for listing in listings if listing.model_id == found.pk), None)
