"""Verdicts on deliveries under outcome contracts, and the end of review windows."""

import uuid
from dataclasses import dataclass

from django.db import connection

from billing.outcomes.domain import OutcomeState, Verdict
from marketplace.core.problems import Conflict, FieldError, Invalid, NotFound

MAX_UNIT_INDEX = 2**15 - 1  # as the column holds it


class VerdictStands(Conflict):
    """The other verdict was given before. A verdict moves or releases money, so it is final."""

    kind, title = "verdict-stands", "The verdict was given before"


class NothingToReview(Conflict):
    kind, title = "nothing-to-review", "Nothing waits for a verdict here"


@dataclass(frozen=True)
class Decided:
    """The effect of a verdict.

    Attributes:
        is_new: whether it is the first one on its unit; the same again changes nothing.
        state: of the whole delivery after it.
    """

    is_new: bool
    state: OutcomeState


def signal(*, outcome_id: uuid.UUID, unit: int, verdict: Verdict, reporter: str) -> Decided:
    """Record a verdict on one unit. Whatever is decided completely by it is settled in the same statement.

    Args:
        unit: its place in the delivery, from 0.
        reporter: opaque id of the person or key that decided.

    Raises:
        NotFound: there is no such outcome.
        VerdictStands: the other verdict was given before.
        NothingToReview: nothing is delivered yet or at all, or the review window is over.
        Invalid: the delivery has no such unit.
    """
    if not 0 <= unit <= MAX_UNIT_INDEX:
        raise _no_such_unit()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT answer, state FROM billing_signal(%s, %s, %s, %s)", [outcome_id, unit, verdict.value, reporter]
        )
        answer, state = cursor.fetchone()
    match answer:
        case "recorded" | "known":
            return Decided(answer == "recorded", OutcomeState(state))
        case "contradicts":
            raise VerdictStands("The other verdict was given on this image before, and a verdict is final.")
        case "no_such_unit":
            raise _no_such_unit()
        case "too_late":
            raise NothingToReview("The review window is over: what was not decided in it is not billed.")
    if state is None:
        raise NotFound("There is no such call under an outcome contract")
    raise NothingToReview(_WHY_NOTHING[OutcomeState(state)])


def close_reviews(*, limit: int = 500) -> int:
    """End deliveries whose review window is over, and return how many: accepted units are charged, others released."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(billing_close_reviews(%s), 0)", [limit])
        row: tuple[int] = cursor.fetchone()
    return row[0]


def _no_such_unit() -> Invalid:
    return Invalid("Nothing was decided", errors=[FieldError("position", "is none of the images delivered")])


_WHY_NOTHING = {
    OutcomeState.AUTHORIZED: "Nothing is delivered yet; wait until the prediction has succeeded.",
    OutcomeState.VOIDED: "Nothing was delivered, so there is nothing to review or to bill.",
    OutcomeState.SETTLED: "This delivery is settled; images that were not decided in the review window are not billed.",
    OutcomeState.NOT_MET: "Every image of this delivery was rejected; it is not billed.",
    OutcomeState.EXPIRED: "The review window is over: what was not decided in it is not billed.",
}
