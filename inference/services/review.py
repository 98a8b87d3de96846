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
    """The prediction ran under no outcome contract, so it takes no verdict."""

    kind, title = "nothing-to-review", "Nothing waits for a verdict here"


@dataclass(frozen=True)
class Reviewed:
    """A recorded verdict.

    Attributes:
        is_new: whether this call recorded it; repeating a verdict changes nothing.
        state: the state of the whole prediction after it.
    """

    review: Review
    is_new: bool
    state: OutcomeState


@transaction.atomic
def review(
    *, caller: Actor, prediction_id: uuid.UUID | None, position: int, verdict: Verdict, reason: str = ""
) -> Reviewed:
    """Accept or reject one image of a prediction, finally. Once all are decided, the accepted ones are paid.

    Args:
        position: the image's index among the prediction's outputs, from 0.
        reason: a text for the provider; may be empty.

    Raises:
        Forbidden: see `policy.require`.
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
    # Billing has locked the delivery, so a concurrent second call finds the first call's row.
    given, _ = Review.objects.get_or_create(
        prediction_id=prediction.id,
        position=position,
        defaults={"verdict": verdict, "reason": reason, "user_id": caller.user_id, "api_key_id": caller.key_id},
    )
    return Reviewed(given, decided.is_new, decided.state)
