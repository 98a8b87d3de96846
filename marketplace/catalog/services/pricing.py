"""Prices of models: setting them, and a preview for buyer, provider and platform."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction

from billing.pricing.domain import PriceTerms, Unit, fee_of_calls, rate_calls
from billing.pricing.selectors import current_terms
from billing.pricing.services.prices import set_price
from marketplace.accounts import policy
from marketplace.accounts.domain import Actor
from marketplace.accounts.policy import Action
from marketplace.accounts.services import audit
from marketplace.catalog.domain import sku_of
from marketplace.catalog.services import entries
from marketplace.core.money import parse_amount
from marketplace.core.problems import Conflict, FieldError, Invalid
from providers import tasks
from providers.tasks.base import Task

if TYPE_CHECKING:
    from providers.models import GenerativeModel

CALLS = (1, 100, 1_000)
SECONDS_AN_HOUR = 3_600


@dataclass(frozen=True)
class Split:
    """The split of the price of `calls` calls of one unit each, in micro-units.

    Attributes:
        device_cost: the cost of the devices for them; None if unknown.
    """

    calls: int
    buyer: int
    provider: int
    platform: int
    device_cost: int | None

    @property
    def margin(self) -> int | None:
        """The provider's share minus the device cost; None if that is unknown."""
        return None if self.device_cost is None else self.provider - self.device_cost


def preview(*, unit: Unit, amount: int, unit_seconds: float | None, counts: Sequence[int] = CALLS) -> list[Split]:
    """The splits of a price for each number of calls of one unit, computed as in rating and settlement.

    Args:
        amount: micro-units for one unit.
        unit_seconds: measured device seconds of one unit; None if not measured.
    """
    terms = PriceTerms(0, "", 0, unit, amount, settings.CURRENCY, "", settings.PLATFORM_FEE_BPS)
    return [_split(terms, calls, unit_seconds) for calls in counts]


def _split(terms: PriceTerms, calls: int, unit_seconds: float | None) -> Split:
    buyer = rate_calls(terms, quantity=terms.unit.parts, calls=calls)
    platform = fee_of_calls(terms, quantity=terms.unit.parts, calls=calls)
    hour, device_cost = device_hour_cost(), None
    if hour is not None and unit_seconds is not None:
        device_cost = round(hour * unit_seconds * calls / SECONDS_AN_HOUR)
    return Split(calls, buyer, buyer - platform, platform, device_cost)


def seconds_of_unit(profile: Mapping[str, Any], *, task: Task, schema: Mapping[str, Any], unit: Unit) -> float | None:
    """Device seconds of one unit, from the measured seconds of one image; None if nothing was measured.

    Args:
        profile: the measurements of a version's check, with the `input` that was used.
        schema: the schema of that version's input.
    """
    if "alone" not in profile:
        return None
    measured = task.quantities(profile["input"], schema)
    if not measured.get(unit):
        return None
    return float(profile["alone"]) * measured[Unit.IMAGE] * unit.parts / measured[unit]


def device_hour_cost() -> int | None:
    """The operator's setting of the cost of a device hour, in micro-units; None if it is not set."""
    return parse_amount(settings.DEVICE_HOUR_COST) if settings.DEVICE_HOUR_COST else None


def usual_unit(model: "GenerativeModel") -> Unit:
    """The unit of a price that names none: that of the price in effect, else the task's usual one, else an image."""
    current = current_terms(sku_of(model.pk))
    if current is not None:
        return current.unit
    return tasks.task_named(model.task).units[0] if model.task else Unit.IMAGE


@transaction.atomic
def price_model(*, model: "GenerativeModel", amount: int, unit: Unit | None = None, actor: Actor) -> PriceTerms:
    """Put a new price of a model into effect now. Repeating a price changes nothing.

    Args:
        amount: micro-units for one unit.
        unit: a unit that the model's task can be sold by; None: the usual one.

    Raises:
        Forbidden, NotFound: see `policy.require`.
        Conflict: the model's task is unknown, because no version has passed the check of its files.
        Invalid: the task cannot be sold by this unit, or the amount is negative or too large.
    """
    policy.require(actor, Action.SET_PRICE, of=model.organization_id)
    if not model.task:
        raise Conflict("Publish a version first: what one unit is follows from what the model does")
    before, units = current_terms(sku_of(model.pk)), tasks.task_named(model.task).units
    unit = unit or usual_unit(model)
    if unit not in units:
        named = ", ".join(one.plural for one in units)
        raise Invalid("The price was not set", errors=[FieldError("unit", f"This model can be sold by {named} only")])
    terms = set_price(sku=sku_of(model.pk), unit=unit, amount=amount, payee=str(model.organization_id))
    if before is None or terms.id != before.id:
        entries.refresh([model.pk])
        audit.record(
            actor,
            action="price.set",
            subject=str(model.pk),
            model=model.name,
            amount=amount,
            unit=terms.unit,
            currency=terms.currency,
            version=terms.version,
        )
    return terms
