"""States of payments in and out, and what gateways can move. No database."""

from enum import StrEnum


class TopUpState(StrEnum):
    """The state of a top-up. Only `paid` moved money; `failed` and `expired` may become `paid` by a late event."""

    PENDING = "pending"
    PROCESSING = "processing"  # the buyer did their part; the bank has not answered yet
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"
    REVIEW = "review"  # what was paid is not what was asked for; the operator decides


class EventState(StrEnum):
    """The state of a gateway's event."""

    RECEIVED = "received"
    PROCESSED = "processed"
    IGNORED = "ignored"  # of a type, or about a thing, that is not ours
    RETRYING = "retrying"
    FAILED = "failed"  # trying again would not help; the operator decides


class PayeeState(StrEnum):
    """Whether the gateway accepts payouts to an organisation."""

    ONBOARDING = "onboarding"
    ACTIVE = "active"
    RESTRICTED = "restricted"


class PayoutState(StrEnum):
    """The state of a payout. `failed` and `reversed` ones are owed to the provider again."""

    REQUESTED = "requested"
    PAID = "paid"
    FAILED = "failed"
    REVERSED = "reversed"


GATEWAY_LABELS = {"stripe": "Stripe"}  # what statements call a gateway whose name is no word


CENT = 10_000  # micro-units; gateways move whole cents of currencies that have a hundred of them


def whole_cents(amount: int) -> int:
    """What a gateway can move of `amount` micro-units, in micro-units; the rest stays where it is."""
    return amount // CENT * CENT
