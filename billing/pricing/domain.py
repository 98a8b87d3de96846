"""Rules of prices: units, rating, and the split of a charge between provider and platform. No database."""

from dataclasses import dataclass
from enum import StrEnum

BASIS_POINTS = 10_000


class Unit(StrEnum):
    """What a price is for one of."""

    IMAGE = "image"


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


def rate(terms: PriceTerms, *, quantity: int) -> int:
    """Micro-units for `quantity` units. The estimate before a call and the charge after it are both this."""
    if quantity < 0:
        raise ValueError(f"cannot rate a negative quantity: {quantity}")
    return terms.amount * quantity


def platform_fee(amount: int, *, fee_bps: int) -> int:
    """The platform's part of a charge in micro-units, rounded half up; the provider gets the rest.

    `billing_settle` computes the same in SQL.
    """
    return (amount * fee_bps + BASIS_POINTS // 2) // BASIS_POINTS
