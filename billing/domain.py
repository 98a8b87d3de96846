"""Rules of money without a database: kinds of accounts, rating, the split between provider and platform."""

from dataclasses import dataclass
from enum import StrEnum

PLATFORM = "platform"
BASIS_POINTS = 10_000


class AccountKind(StrEnum):
    """What an account's balance means. Balances are credit-positive: what the platform owes to the owner."""

    BUYER_PREPAID = "buyer_prepaid"
    PROVIDER_PAYABLE = "provider_payable"
    PLATFORM_FEE = "platform_fee"
    CLEARING = "clearing"  # money that came in through a gateway; its balance is what came in, negated
    PROMOTION = "promotion"  # credit that the platform gives away


class Unit(StrEnum):
    """What a price is for one of."""

    IMAGE = "image"


class HoldState(StrEnum):
    PENDING = "pending"
    POSTED = "posted"
    VOIDED = "voided"
    EXPIRED = "expired"


class TransactionKind(StrEnum):
    SETTLEMENT = "settlement"
    TOP_UP = "top_up"
    GRANT = "grant"


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
