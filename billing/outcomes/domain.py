"""Outcome contracts: verdicts, the states of a call under one, the document that is signed. No database."""

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from billing.pricing.domain import PriceTerms


class Verdict(StrEnum):
    """A reviewer's final decision on one delivered unit."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"


class OutcomeState(StrEnum):
    """The state of a call under an outcome contract of the type *reviewer accepts*."""

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
    """The state of a delivery after verdicts on some of its units; `is_over` once the review window has ended.

    `billing_conclude` decides the same in SQL.
    """
    if accepted + rejected < delivered and not is_over:
        return OutcomeState.OBSERVING
    if accepted:
        return OutcomeState.SETTLED
    return OutcomeState.NOT_MET if rejected == delivered else OutcomeState.EXPIRED


def why_not_billed(state: OutcomeState, *, review_until: datetime | None) -> str:
    """Why a call under a contract is not billed so far; empty if it may still run, or something was accepted."""
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
