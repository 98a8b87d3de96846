"""Prices of models: setting them, and a preview for buyer, provider and platform."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction

from billing.pricing.domain import PriceTerms, Unit, platform_fee, rate
from billing.pricing.selectors import current_terms
from billing.pricing.services.prices import set_price
from marketplace.accounts import policy
from marketplace.accounts.domain import Actor
from marketplace.accounts.policy import Action
from marketplace.accounts.services import audit
from marketplace.catalog.domain import sku_of
from marketplace.core.money import parse_amount
from marketplace.core.problems import Conflict
from providers import tasks

if TYPE_CHECKING:
    from providers.models import GenerativeModel

QUANTITIES = (1, 100, 1_000)
SECONDS_AN_HOUR = 3_600


@dataclass(frozen=True)
class Split:
    """The split of the price of `quantity` calls of one unit each, in micro-units.

    Attributes:
        device_cost: what the devices cost for it, None where that is not known.
    """

    quantity: int
    buyer: int
    provider: int
    platform: int
    device_cost: int | None

    @property
    def margin(self) -> int | None:
        """What the provider keeps after the devices."""
        return None if self.device_cost is None else self.provider - self.device_cost


def preview(
    *, unit: Unit, amount: int, unit_seconds: float | None, quantities: Sequence[int] = QUANTITIES
) -> list[Split]:
    """The splits of a price, computed as calls are rated and settled.

    Args:
        amount: micro-units for one unit.
        unit_seconds: measured device seconds of one unit; None if it was not measured.
    """
    terms = PriceTerms(0, "", 0, unit, amount, settings.CURRENCY, "", settings.PLATFORM_FEE_BPS)
    each = rate(terms, quantity=1)
    fee = platform_fee(each, fee_bps=terms.fee_bps)
    hour = device_hour_cost()
    return [
        Split(
            quantity=quantity,
            buyer=each * quantity,
            provider=(each - fee) * quantity,
            platform=fee * quantity,
            device_cost=None
            if hour is None or unit_seconds is None
            else round(hour * unit_seconds * quantity / SECONDS_AN_HOUR),
        )
        for quantity in quantities
    ]


def device_hour_cost() -> int | None:
    """Micro-units that an hour of a device costs, as the operator has set it, or None."""
    return parse_amount(settings.DEVICE_HOUR_COST) if settings.DEVICE_HOUR_COST else None


@transaction.atomic
def price_model(*, model: "GenerativeModel", amount: int, actor: Actor) -> PriceTerms:
    """Put a new price for one unit of a model's task into effect, now. The same price again changes nothing.

    Raises:
        Forbidden, NotFound: as `policy.require` says.
        Conflict: what the model does is not known before a version has passed the check of its files.
        Invalid: the amount is negative or absurdly large.
    """
    policy.require(actor, Action.SET_PRICE, of=model.organization_id)
    if not model.task:
        raise Conflict("Publish a version first: what one unit is follows from what the model does")
    before = current_terms(sku_of(model.pk))
    unit = Unit(tasks.task_named(model.task).unit)
    terms = set_price(sku=sku_of(model.pk), unit=unit, amount=amount, payee=str(model.organization_id))
    if before is None or terms.id != before.id:
        audit.record(
            actor,
            action="price.set",
            subject=str(model.pk),
            model=model.name,
            amount=amount,
            currency=terms.currency,
            version=terms.version,
        )
    return terms
