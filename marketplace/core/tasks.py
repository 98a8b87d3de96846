from celery import shared_task
from django.db import connection

from marketplace.core.outbox import BATCH, relay, relay_outside

MAX_ROUNDS = 20
OUTSIDE_LANES = 2  # of the platform worker's threads may wait for others' servers; the rest stay free for doorbells
OUTSIDE_BATCH = 100


@shared_task(name="core.relay_outbox")
def relay_outbox() -> None:
    """Deliver what is due; a long backlog goes on at the next tick."""
    for _ in range(MAX_ROUNDS):
        if relay() < BATCH:
            return


@shared_task(name="core.relay_outbox_outside")
def relay_outbox_outside() -> None:
    """Deliver what must be told to servers that are not ours; where enough others do so already, do nothing."""
    with connection.cursor() as cursor:
        for lane in range(OUTSIDE_LANES):
            cursor.execute("SELECT pg_try_advisory_lock(hashtextextended('core.outside', %s))", [lane])
            if cursor.fetchone() == (True,):
                try:
                    relay_outside(limit=OUTSIDE_BATCH)
                finally:
                    cursor.execute("SELECT pg_advisory_unlock(hashtextextended('core.outside', %s))", [lane])
                return
