"""The context of a provider's page of one model, which the views of selling and pricing use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.urls import reverse

from billing.pricing.selectors import price_history
from marketplace.catalog.domain import sku_of
from marketplace.catalog.selectors import listings_for_provider, price_of
from marketplace.catalog.services.pricing import device_hour_cost, preview, seconds_of_unit
from marketplace.core.problems import NotFound
from marketplace.web.provider.forms import PriceForm
from marketplace.web.shared.access import MemberRequest
from marketplace.web.shared.paging import page_of
from marketplace.web.shared.versions import profile_of
from providers import tasks
from providers.domain import VersionState
from providers.selectors import checks_of, model_named, versions_for_provider

if TYPE_CHECKING:
    from marketplace.catalog.models import Listing
    from providers.models import GenerativeModel

VERSIONS, PRICES = 20, 10


def page_context(request: MemberRequest, found: GenerativeModel, form: PriceForm | None = None) -> dict[str, Any]:
    """The context of the whole page; `form` is the price form if a price was refused."""
    price, listing = price_of(found.pk), own_listing(request, found)
    versions = versions_for_provider(found)
    history = page_of(request, price_history(sku_of(found.pk)), key=("-version",), size=PRICES, name="prices")
    current = {"price": price.amount, "unit": price.unit.value} if price else {}
    form = form or PriceForm(initial=current, **price_options(found))
    return {
        "model": found,
        "slug": f"{request.membership.organization.slug}/{found.name}",
        "listing": listing,
        "page": page_of(request, versions, key=("-number",), size=VERSIONS, name="versions"),
        "newest_passed": versions.filter(state=VersionState.PASSED).first(),
        "version_count": versions.count(),
        "price": price,
        "form": form,
        "history": history,
        "can_delete": listing is None,
    } | price_context(found, form)


def own_model(request: MemberRequest, name: str) -> GenerativeModel:
    """The organisation's model. Raises NotFound."""
    found = model_named(request.membership.organization.slug, name)
    if found is None:
        raise NotFound("There is no such model")
    return found


def own_listing(request: MemberRequest, found: GenerativeModel) -> Listing | None:
    """The model's listing; None if it was never listed."""
    return listings_for_provider(request.membership.organization_id).filter(model=found.pk).first()


def price_options(found: GenerativeModel) -> dict[str, Any]:
    """The arguments of a model's `PriceForm`."""
    address = reverse("web:provider_price_preview", args=[found.organization.slug, found.name])
    units = tasks.task_named(found.task).units if found.task else ()
    return {"units": units, "label": f"Price per unit, in {settings.CURRENCY}", "preview_url": address}


def price_context(found: GenerativeModel, form: PriceForm) -> dict[str, Any]:
    """The preview of the form's price, or its errors; neither while the price is empty."""
    version = found.versions.filter(state=VersionState.PASSED).first()
    profile, unit = profile_of(checks_of(version)) if version is not None else {}, form.chosen_unit
    context: dict[str, Any] = {
        "unit": unit,
        "profile": profile,
        "fee_percent": settings.PLATFORM_FEE_BPS / 100,
        "has_hour_cost": device_hour_cost() is not None,
    }
    if unit is None or not form["price"].value():
        return context
    if form.errors:
        return context | {"preview_error": " ".join(form.problems())}
    amount = form.cleaned_data["price"] if form.is_bound else form.initial["price"]
    seconds = None
    if version is not None:
        seconds = seconds_of_unit(profile, task=tasks.task_named(found.task), schema=version.input_schema, unit=unit)
    return context | {"splits": preview(unit=unit, amount=amount, unit_seconds=seconds)}
