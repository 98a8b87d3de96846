"""Reading prices: those in effect and those that were."""

from collections.abc import Mapping, Sequence

from django.db.models import QuerySet
from django.db.models.functions import Now

from billing.pricing.domain import PriceTerms, Unit
from billing.pricing.models import Price


def terms_of(price: Price) -> PriceTerms:
    return PriceTerms(
        id=price.pk,
        sku=price.sku,
        version=price.version,
        unit=Unit(price.unit),
        amount=price.amount,
        currency=price.currency,
        payee=price.payee,
        fee_bps=price.fee_bps,
    )


def current_terms(sku: str) -> PriceTerms | None:
    """The price in effect now, or None where none was ever set."""
    price = Price.objects.filter(sku=sku, effective_from__lte=Now()).order_by("-version").first()
    return terms_of(price) if price else None


def current_terms_of(skus: Sequence[str]) -> Mapping[str, PriceTerms]:
    """The prices in effect now of those skus that have one."""
    prices = Price.objects.filter(sku__in=skus, effective_from__lte=Now())
    return {price.sku: terms_of(price) for price in prices.order_by("sku", "-version").distinct("sku")}


def price_history(sku: str) -> QuerySet[Price]:
    """All versions of a price, newest first."""
    return Price.objects.filter(sku=sku).order_by("-version")
