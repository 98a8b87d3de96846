"""Taking predictions back from lost nodes."""

import logging
import uuid
from dataclasses import dataclass

from django.db import connection

from inference import sql
from inference.domain.lifecycle import (
    MAX_ATTEMPTS,
    MAX_WAIT_HOURS,
    NEVER_STARTED,
    NODE_LOST,
    NOT_BILLED_REASONS,
    Status,
)
from inference.services import dispatch, wakeups

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TakenBack:
    id: uuid.UUID
    version: str
    status: Status
    reply_channel: str | None


def take_back(*, node: str | None = None) -> list[TakenBack]:
    """Take back the predictions that a restarted node claimed, or (without `node`) every claim with an expired lease.

    They wait again and nodes are notified. Those tried too often fail, cancelled ones end; neither is charged.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            sql.TAKE_BACK,
            {
                "node": node,
                "most_attempts": MAX_ATTEMPTS,
                "error": NODE_LOST.format(attempts=MAX_ATTEMPTS),
                "failed_free": NOT_BILLED_REASONS[Status.FAILED],
                "canceled_free": NOT_BILLED_REASONS[Status.CANCELED],
            },
        )
        taken = [
            TakenBack(id_, version, Status(status), reply_channel)
            for id_, version, status, reply_channel in cursor.fetchall()
        ]
    if taken:
        log.warning("took back %d prediction(s) of %s", len(taken), node or "nodes whose lease ran out")
    wakeups.publish_ends([(one.id, one.reply_channel) for one in taken if one.status.is_final])
    for version in {one.version for one in taken if not one.status.is_final}:
        dispatch.notify_node(version)
    return taken


def give_up() -> int:
    """Fail predictions that no node started within `MAX_WAIT_HOURS`, and return how many. They are not charged."""
    parameters: dict[str, int | str] = {
        "hours": MAX_WAIT_HOURS,
        "error": NEVER_STARTED,
        "not_billed": NOT_BILLED_REASONS[Status.FAILED],
    }
    with connection.cursor() as cursor:
        cursor.execute(sql.GIVE_UP, parameters)
        ended = [(id_, reply_channel) for id_, reply_channel in cursor.fetchall()]
    wakeups.publish_ends(ended)
    return len(ended)
