import logging
import uuid

import redis
from django.db import connection

from inference import sql
from inference.domain.lifecycle import NOT_BILLED, Status
from inference.services import wakeups
from marketplace.core.problems import NotFound

log = logging.getLogger(__name__)


def cancel(*, organization_id: uuid.UUID, prediction_id: uuid.UUID) -> None:
    """Stop a prediction: at once if it waits, between two steps if it runs. Cancelling a finished one changes nothing.

    Raises:
        NotFound: the organisation has no such prediction.
    """
    with connection.cursor() as cursor:
        cursor.execute(sql.CANCEL, cancel_parameters(organization_id, prediction_id))
        row: tuple[str, str | None, str | None] | None = cursor.fetchone()
    if row is None:
        raise NotFound("There is no such prediction")
    after_cancel(prediction_id, *row)


def cancel_parameters(organization_id: uuid.UUID, prediction_id: uuid.UUID) -> dict[str, uuid.UUID | str]:
    """Parameters of `sql.CANCEL`."""
    return {"id": prediction_id, "organization": organization_id, "not_billed": NOT_BILLED[Status.CANCELED]}


def after_cancel(prediction_id: uuid.UUID, status: str, node: str | None, waiter: str | None) -> None:
    """Tell whoever has to know: the node that works on it, or those who wait for a prediction that just ended."""
    try:
        if node is not None:
            wakeups.publish_cancel(node, prediction_id)
        elif status == Status.CANCELED:
            wakeups.publish_ends([(prediction_id, waiter)])
    except redis.RedisError as error:
        log.warning("a cancellation was recorded but not told: %s; whom it concerns will look", error)
