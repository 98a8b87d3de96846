"""The transactional outbox: an event is a row written with its cause and delivered after commit, at least once."""

import logging
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from marketplace.core import events
from marketplace.core.models import OutboxEvent

log = logging.getLogger(__name__)

BATCH = 500
LONGEST_DELAY = timedelta(minutes=5)
MOST_DOUBLINGS = 9  # of a second; more would pass LONGEST_DELAY, and at last what a timedelta can hold


def emit(topic: str, payload: events.Payload) -> None:
    """Record that something happened. Must be called inside the transaction that makes it happen."""
    if not connection.in_atomic_block:
        raise RuntimeError(f"emit({topic!r}) needs the transaction of its cause")
    OutboxEvent.objects.create(topic=topic, payload=payload)


def relay(*, limit: int = BATCH) -> int:
    """Deliver due events to their subscribers and forget those that all of them took.

    Several relays may run at once: each locks the rows that it delivers. A crash in the middle leaves the rows, so
    that they are delivered again.

    Returns:
        how many events were taken up; a full `limit` means that there may be more.
    """
    with transaction.atomic():
        taken = list(
            OutboxEvent.objects.filter(due_at__lte=timezone.now())
            .select_for_update(skip_locked=True)
            .order_by("due_at", "id")[:limit]
        )
        by_topic: dict[str, list[OutboxEvent]] = defaultdict(list)
        for event in taken:
            by_topic[event.topic].append(event)
        delivered: list[int] = []
        for topic, batch in by_topic.items():
            error = _deliver(topic, batch)
            if error is None:
                delivered += [event.pk for event in batch]
            else:
                _postpone(batch, error)
        OutboxEvent.objects.filter(pk__in=delivered).delete()
    return len(taken)


def _deliver(topic: str, batch: Iterable[OutboxEvent]) -> str | None:
    payloads = [event.payload for event in batch]
    try:
        for subscriber in events.subscribers_of(topic):
            with transaction.atomic():  # a subscriber that fails takes nothing else back
                subscriber(payloads)
    except Exception as error:
        log.exception("a subscriber of %s failed; %d event(s) will be delivered again", topic, len(payloads))
        return f"{type(error).__name__}: {error}"
    return None


def _postpone(batch: Iterable[OutboxEvent], error: str) -> None:
    for event in batch:
        event.attempts += 1
        event.due_at = timezone.now() + min(LONGEST_DELAY, timedelta(seconds=2 ** min(event.attempts, MOST_DOUBLINGS)))
        event.last_error = error[:2000]
        event.save(update_fields=["attempts", "due_at", "last_error"])
