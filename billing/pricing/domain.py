"""Rules of prices: units and quantities, rating, and the split of a charge between provider and platform. No database.

A quantity is always a whole number of *parts* of its unit, so that rating is exact in integers: pixels for megapixels,
tokens for thousands of tokens. An image has one part.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import NamedTuple

from marketplace.core.money import format_amount

BASIS_POINTS = 10_000
MAX_RATED = 2**63 - 1  # micro-units; what a bigint of the database holds
# Every common frame rate and sample rate divides it, so that frames and samples are whole numbers of it. They are the
# "flicks" of github.com/facebookarchive/Flicks (1/705,600,000 of a second).
PARTS_OF_A_SECOND = 705_600_000


class Unit(StrEnum):
    """What a price is for one of. `billing_unit_parts` and `billing_quantity_text` say the same in SQL."""

    IMAGE = "image"
    MEGAPIXEL = "megapixel"
    MEGAPIXEL_STEP = "megapixel_step"
    VIDEO_SECOND = "video_second"
    AUDIO_SECOND = "audio_second"
    KILOTOKEN = "kilotoken"
    DEVICE_SECOND = "device_second"
    REQUEST = "request"

    @property
    def parts(self) -> int:
        """How many parts make one unit; a quantity counts these."""
        return UNITS[self].parts

    @property
    def singular(self) -> str:
        """One of it, such as `megapixel`."""
        return UNITS[self].singular

    @property
    def plural(self) -> str:
        """Several of it, such as `seconds of video`."""
        return UNITS[self].plural

    @property
    def each(self) -> str:
        """With its article, as it stands after a price: `an image`."""
        return UNITS[self].each


class _Description(NamedTuple):
    parts: int
    singular: str
    plural: str
    each: str


UNITS = {
    Unit.IMAGE: _Description(1, "image", "images", "an image"),
    Unit.MEGAPIXEL: _Description(1_000_000, "megapixel", "megapixels", "a megapixel"),  # pixels
    Unit.MEGAPIXEL_STEP: _Description(1_000_000, "megapixel-step", "megapixel-steps", "a megapixel-step"),
    Unit.VIDEO_SECOND: _Description(PARTS_OF_A_SECOND, "second of video", "seconds of video", "a second of video"),
    Unit.AUDIO_SECOND: _Description(PARTS_OF_A_SECOND, "second of sound", "seconds of sound", "a second of sound"),
    Unit.KILOTOKEN: _Description(1_000, "thousand tokens", "thousand tokens", "a thousand tokens"),
    Unit.DEVICE_SECOND: _Description(1_000_000, "device second", "device seconds", "a device second"),  # microseconds
    Unit.REQUEST: _Description(1, "request", "requests", "a request"),
}


@dataclass(frozen=True)
class PriceTerms:
    """One version of a price, as it is rated.

    Attributes:
        id: the row that it is.
        amount: micro-units for one unit.
    """

    id: int
    sku: str
    version: int
    unit: Unit
    amount: int
    currency: str
    payee: str
    fee_bps: int


def rate(terms: PriceTerms, *, quantity: int, factor_bps: int = BASIS_POINTS) -> int:
    """Micro-units for a quantity, rounded half up. The estimate before a call and the charge after it are both this.

    `billing_rate` computes the same in SQL.

    Args:
        quantity: parts of the price's unit.
        factor_bps: the price's multiple in basis points; 10,000 is the price itself.

    Raises:
        ValueError: the quantity or the factor is negative, or no bigint holds the result.
    """
    if quantity < 0 or factor_bps < 0:
        raise ValueError(f"cannot rate a negative quantity or factor: {quantity}, {factor_bps}")
    divisor = terms.unit.parts * BASIS_POINTS
    amount = (2 * terms.amount * quantity * factor_bps + divisor) // (2 * divisor)
    if amount > MAX_RATED:
        raise ValueError(f"{quantity_text(terms.unit, quantity)} cost more than any account can hold")
    return amount


def rate_calls(terms: PriceTerms, *, quantity: int, calls: int) -> int:
    """Micro-units for so many calls of this quantity each. Every call is rounded by itself, as it is charged."""
    return calls * rate(terms, quantity=quantity)


def fee_of_calls(terms: PriceTerms, *, quantity: int, calls: int) -> int:
    """The platform's part of `rate_calls` in micro-units; it is taken, and rounded, of every call by itself."""
    return calls * platform_fee(rate(terms, quantity=quantity), fee_bps=terms.fee_bps)


def quantity_text(unit: Unit, quantity: int) -> str:
    """A quantity as people read it: `2 images`, `1.05 megapixels`, to three digits where it is no whole number."""
    number = quantity_number(unit, quantity)
    return f"{number} {unit.singular if number == '1' else unit.plural}"


def quantity_number(unit: Unit, quantity: int) -> str:
    """The figure of `quantity_text` alone: units with thousands separated, at most six decimals."""
    whole, rest = divmod(quantity, unit.parts)
    if not rest or whole >= 100:
        return f"{_nearest(quantity, unit.parts):,}"
    units = Decimal(quantity) / unit.parts
    shown = units.quantize(Decimal(1).scaleb(-_decimals(units)), ROUND_HALF_UP)
    return f"{shown:f}".rstrip("0").rstrip(".")


def _nearest(quantity: int, parts: int) -> int:
    return (2 * quantity + parts) // (2 * parts)


def _decimals(units: Decimal) -> int:
    """As many as leave three digits, and no more than six."""
    return min(6, max(0, 2 - units.adjusted()))


def price_text(amount: int, currency: str, unit: Unit) -> str:
    """A price with what it is for one of: `$0.002 a megapixel`."""
    return f"{format_amount(amount, currency)} {unit.each}"


def platform_fee(amount: int, *, fee_bps: int) -> int:
    """The platform's part of a charge in micro-units, rounded half up; the provider gets the rest.

    `billing_settle` computes the same in SQL.
    """
    return (amount * fee_bps + BASIS_POINTS // 2) // BASIS_POINTS
