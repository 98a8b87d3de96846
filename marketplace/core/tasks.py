from celery import shared_task

from marketplace.core.database import trying_alone
from marketplace.core.outbox import BATCH, relay, relay_external

MAX_ROUNDS = 20
# How many of the platform worker's threads may wait for external servers at once; the rest stay free for other tasks.
MAX_EXTERNAL_DELIVERIES = 2
EXTERNAL_BATCH = 100


@shared_task(name="core.relay_outbox")
def relay_outbox() -> None:
    """Deliver due events; a long backlog is continued by the next task."""
    for _ in range(MAX_ROUNDS):
        if relay() < BATCH:
            return


@shared_task(name="core.relay_outbox_outside")
def relay_outbox_outside() -> None:
    """Deliver due events to external servers. Does nothing if enough other threads do so already."""
    for lane in range(MAX_EXTERNAL_DELIVERIES):
        with trying_alone("core.outside", lane=lane) as is_alone:
            if is_alone:
                relay_external(limit=EXTERNAL_BATCH)
                return
