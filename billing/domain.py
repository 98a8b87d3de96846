"""Rules of money without a database: kinds of accounts, rating, the split, the states of an outcome."""

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

PLATFORM = "platform"
BASIS_POINTS = 10_000


class AccountKind(StrEnum):
    """What an account's balance means. Balances are credit-positive: what the platform owes to the owner."""

    BUYER_PREPAID = "buyer_prepaid"
    PROVIDER_PAYABLE = "provider_payable"
    PLATFORM_FEE = "platform_fee"
    PAYOUT_IN_TRANSIT = "payout_in_transit"  # taken from what a provider is owed, not yet known to have arrived
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
    PAYOUT = "payout"
    PAYOUT_PAID = "payout_paid"
    PAYOUT_RETURNED = "payout_returned"


class TopUpState(StrEnum):
    """Where a top-up stands. Only `paid` moved money; `failed` and `expired` may still become `paid` by late news."""

    PENDING = "pending"
    PROCESSING = "processing"  # the buyer did their part; the bank has not answered yet
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"
    REVIEW = "review"  # what was paid is not what was asked for; the operator decides


class EventState(StrEnum):
    """What became of a gateway's event."""

    RECEIVED = "received"
    PROCESSED = "processed"
    IGNORED = "ignored"  # of a type, or about a thing, that is not ours
    RETRYING = "retrying"
    FAILED = "failed"  # trying again would not help; the operator decides


class PayeeState(StrEnum):
    """Whether the gateway would pay an organisation."""

    ONBOARDING = "onboarding"
    ACTIVE = "active"
    RESTRICTED = "restricted"


class PayoutState(StrEnum):
    """Where a payout stands. `failed` and `reversed` ones are owed to the provider again."""

    REQUESTED = "requested"
    PAID = "paid"
    FAILED = "failed"
    REVERSED = "reversed"


GATEWAY_LABELS = {"stripe": "Stripe"}  # what statements call a gateway whose name is no word


CENT = 10_000  # micro-units; gateways move whole cents of currencies that have a hundred of them


def whole_cents(amount: int) -> int:
    """What a gateway can move of `amount` micro-units, in micro-units; the rest stays where it is."""
    return amount // CENT * CENT


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


class Verdict(StrEnum):
    """What a reviewer says of one delivered unit, for good."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"


class OutcomeState(StrEnum):
    """Where a call under an outcome contract of the type *reviewer accepts* stands."""

    AUTHORIZED = "authorized"  # admitted: the price of all its units is held
    OBSERVING = "observing"  # delivered: every unit waits for a verdict, until the review window ends
    SETTLED = "settled"  # something was accepted and is paid for
    NOT_MET = "not_met"  # everything was rejected
    EXPIRED = "expired"  # the window ended with nothing accepted and something undecided
    VOIDED = "voided"  # nothing was delivered

    @property
    def is_final(self) -> bool:
        return self not in TRANSITIONS


# The database's own guard (billing_guard_outcome) keeps the same table. There is no PROVISIONAL, because a verdict is
# final and no signal can contradict it, and no DISPUTED, REVERSED or FINAL, because nothing follows a settlement.
TRANSITIONS = {
    OutcomeState.AUTHORIZED: frozenset({OutcomeState.OBSERVING, OutcomeState.VOIDED}),
    OutcomeState.OBSERVING: frozenset({OutcomeState.SETTLED, OutcomeState.NOT_MET, OutcomeState.EXPIRED}),
}
UNDECIDED = frozenset(TRANSITIONS)


def conclude(*, delivered: int, accepted: int, rejected: int, is_over: bool) -> OutcomeState:
    """Where a delivery stands after verdicts on some of its units; `is_over` once the review window has ended.

    `billing_conclude` decides the same in SQL.
    """
    if accepted + rejected < delivered and not is_over:
        return OutcomeState.OBSERVING
    if accepted:
        return OutcomeState.SETTLED
    return OutcomeState.NOT_MET if rejected == delivered else OutcomeState.EXPIRED


def why_not_billed(state: OutcomeState, *, review_until: datetime | None) -> str:
    """Why a call under a contract has cost nothing so far; empty where it may still run, or something was accepted."""
    match state:
        case OutcomeState.OBSERVING if review_until is not None:
            return f"under review until {review_until:%Y-%m-%d %H:%M} UTC: only what is accepted is charged"
        case OutcomeState.NOT_MET:
            return "rejected by the reviewer, so nothing is charged"
        case OutcomeState.EXPIRED:
            return "nobody accepted it within the review window, so nothing is charged"
    return ""


@dataclass(frozen=True)
class ContractTerms:
    """An outcome contract as admission needs it.

    Attributes:
        hash: SHA-256 of the document that both sides signed, hexadecimal.
        subject: sku of what it is about.
        label: what people call that.
        price: for one unit that the reviewer accepts.
    """

    id: uuid.UUID
    hash: str
    buyer: str
    subject: str
    label: str
    price: PriceTerms


def canonical_document(terms: Mapping[str, Any]) -> str:
    """The text that is signed: JSON with sorted keys and no white space (as RFC 8785 has it, for these values)."""
    return json.dumps(terms, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def document_hash(document: str) -> str:
    return hashlib.sha256(document.encode()).hexdigest()
