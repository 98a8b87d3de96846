from celery import shared_task

from marketplace.core.outbox import BATCH, relay

MOST_ROUNDS = 20


@shared_task(name="core.relay_outbox")
def relay_outbox() -> None:
    """Deliver what is due; a long backlog goes on at the next tick."""
    for _ in range(MOST_ROUNDS):
        if relay() < BATCH:
            return
