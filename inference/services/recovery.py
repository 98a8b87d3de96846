"""Taking predictions back from nodes that are gone."""

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
    NOT_BILLED,
    Status,
)
from inference.services import dispatch, wakeups

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TakenBack:
    id: uuid.UUID
    version: str
    status: Status
    waiter: str | None


def take_back(*, node: str | None = None) -> list[TakenBack]:
    """Take back what a restarted node had claimed, or (without `node`) every claim whose lease has run out.

    They wait again and nodes are notified; what was tried too often fails, what was cancelled ends. All is free.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            sql.TAKE_BACK,
            {
                "node": node,
                "most_attempts": MAX_ATTEMPTS,
                "error": NODE_LOST.format(attempts=MAX_ATTEMPTS),
                "failed_free": NOT_BILLED[Status.FAILED],
                "canceled_free": NOT_BILLED[Status.CANCELED],
            },
        )
        taken = [TakenBack(id_, version, Status(status), waiter) for id_, version, status, waiter in cursor.fetchall()]
    if taken:
        log.warning("took back %d prediction(s) of %s", len(taken), node or "nodes whose lease ran out")
    wakeups.publish_ends([(one.id, one.waiter) for one in taken if one.status.is_final])
    for version in {one.version for one in taken if not one.status.is_final}:
        dispatch.notify_node(version)
    return taken


def give_up() -> int:
    """Fail what no node took up within a day less an hour, and return how many; it is free."""
    parameters: dict[str, int | str] = {
        "hours": MAX_WAIT_HOURS,
        "error": NEVER_STARTED,
        "not_billed": NOT_BILLED[Status.FAILED],
    }
    with connection.cursor() as cursor:
        cursor.execute(sql.GIVE_UP, parameters)
        ended = [(id_, waiter) for id_, waiter in cursor.fetchall()]
    wakeups.publish_ends(ended)
    return len(ended)
