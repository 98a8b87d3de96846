"""What the page of one model shows its provider; selling and pricing both answer with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings

from billing.domain import Unit
from billing.selectors import price_history
from marketplace.catalog.domain import sku_of
from marketplace.catalog.selectors import listings_for_provider, price_of
from marketplace.catalog.services.pricing import device_hour_cost, preview
from marketplace.core.money import NotAnAmount, decimal_text, parse_amount
from marketplace.core.problems import NotFound
from marketplace.web.shared.access import MemberRequest
from marketplace.web.shared.versions import profile_of
from providers import tasks
from providers.domain import VersionState
from providers.selectors import checks_of, model_named, versions_for_provider

if TYPE_CHECKING:
    from marketplace.catalog.models import Listing
    from providers.models import GenerativeModel


def page_context(request: MemberRequest, found: GenerativeModel) -> dict[str, Any]:
    price, listing = price_of(found.pk), own_listing(request, found)
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
    } | price_context(found, typed)


def own_model(request: MemberRequest, name: str) -> GenerativeModel:
    found = model_named(request.membership.organization.slug, name)
    if found is None:
        raise NotFound("There is no such model")
    return found


def own_listing(request: MemberRequest, found: GenerativeModel) -> Listing | None:
    listings = listings_for_provider(request.membership.organization)
    return next((listing for listing in listings if listing.model_id == found.pk), None)


def price_context(found: GenerativeModel, typed: str) -> dict[str, Any]:
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
