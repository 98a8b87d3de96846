import logging
import uuid
from typing import Any

import redis
from django.db import connection

from inference import sql
from inference.domain.lifecycle import NOT_BILLED_REASONS, Status
from inference.services import wakeups
from marketplace.accounts import policy
from marketplace.accounts.domain import Actor
from marketplace.accounts.policy import Action
from marketplace.core.problems import NotFound

log = logging.getLogger(__name__)


def cancel(*, actor: Actor, prediction_id: uuid.UUID) -> None:
    """Stop a prediction: at once if it waits, between two steps if it runs. Cancelling a finished one changes nothing.

    Raises:
        Forbidden: see `policy.check`.
        NotFound: the organisation has no such prediction.
    """
    parameters = cancel_parameters(actor, prediction_id)
    with connection.cursor() as cursor:
        cursor.execute(sql.CANCEL, parameters)
        row: tuple[str, str | None, str | None] | None = cursor.fetchone()
    if row is None:
        raise NotFound("There is no such prediction")
    after_cancel(prediction_id, *row)


def cancel_parameters(actor: Actor, prediction_id: uuid.UUID) -> dict[str, Any]:
    """Parameters of `sql.CANCEL`, for an actor who may cancel. Raises Forbidden, see `policy.check`."""
    policy.check(actor, Action.CANCEL)
    return {
        "id": prediction_id,
        "organization": actor.organization_id,
        "not_billed": NOT_BILLED_REASONS[Status.CANCELED],
    }


def after_cancel(prediction_id: uuid.UUID, status: str, node: str | None, reply_channel: str | None) -> None:
    """Notify the node that runs the prediction, or the waiting callers if it has just ended."""
    try:
        if node is not None:
            wakeups.publish_cancel(node, prediction_id)
        elif status == Status.CANCELED:
            wakeups.publish_ends([(prediction_id, reply_channel)])
    except redis.RedisError as error:
        log.warning("a cancellation was not published: %s; the node finds it when it renews its lease", error)
