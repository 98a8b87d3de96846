import uuid
from dataclasses import dataclass

from django.db import transaction

from billing.outcomes.domain import OutcomeState, Verdict
from billing.outcomes.services.verdicts import signal
from inference.domain.lifecycle import MAX_REASON_LENGTH
from inference.models import Review
from inference.selectors import prediction_for_buyer
from marketplace.accounts import policy
from marketplace.accounts.domain import Actor, is_title
from marketplace.accounts.policy import Action
from marketplace.core.problems import Conflict, FieldError, Invalid


class NotUnderContract(Conflict):
    """Only a call under an outcome contract is paid for by verdict."""

    kind, title = "nothing-to-review", "Nothing waits for a verdict here"


@dataclass(frozen=True)
class Reviewed:
    """A verdict that stands.

    Attributes:
        is_new: whether this call gave it; the same one again changes nothing.
        state: where the whole prediction stands after it.
    """

    review: Review
    is_new: bool
    state: OutcomeState


@transaction.atomic
def review(
    *, caller: Actor, prediction_id: uuid.UUID | None, position: int, verdict: Verdict, reason: str = ""
) -> Reviewed:
    """Accept or reject one image of a prediction, for good; once all are decided, the accepted ones are paid.

    Args:
        position: of the image among the prediction's outputs, from 0.
        reason: for the provider to read; may be empty.

    Raises:
        Forbidden: as `policy.require` says.
        NotFound: the caller's organisation has no such prediction.
        Conflict: there is nothing to review, the review window is over, or the other verdict was given.
        Invalid: no such image, or the reason is too long.
    """
    policy.require(caller, Action.REVIEW)
    prediction = prediction_for_buyer(caller.organization_id, prediction_id)
    reason = reason.strip()
    if reason and not is_title(reason, longest=MAX_REASON_LENGTH):
        rule = f"may have at most {MAX_REASON_LENGTH} characters, without control characters"
        raise Invalid("Nothing was decided", errors=[FieldError("reason", rule)])
    if prediction.contract_id is None:
        raise NotUnderContract("This prediction was not made under an outcome contract; it is charged as it ran.")
    reporter = f"key:{caller.key_id}" if caller.key_id else f"user:{caller.user_id}"
    decided = signal(outcome_id=prediction.id, unit=position, verdict=verdict, reporter=reporter)
    # Billing has locked the delivery: a concurrent second call finds the row of the first.
    given, _ = Review.objects.get_or_create(
        prediction_id=prediction.id,
        position=position,
        defaults={"verdict": verdict, "reason": reason, "user_id": caller.user_id, "api_key_id": caller.key_id},
    )
    return Reviewed(given, decided.is_new, decided.state)
