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
MAX_DELAY = timedelta(minutes=5)
MAX_DOUBLINGS = 9  # of a second; more would exceed MAX_DELAY and finally overflow a timedelta
LEASE = timedelta(minutes=3)  # longer than the timeout of any subscriber that calls an external server


def emit(topic: str, payload: events.Payload) -> None:
    """Record an event, inside the transaction that causes it. Raises RuntimeError outside of a transaction."""
    if not connection.in_atomic_block:
        raise RuntimeError(f"emit({topic!r}) needs the transaction of its cause")
    OutboxEvent.objects.create(topic=topic, payload=payload)


def relay(*, limit: int = BATCH) -> int:
    """Deliver due events to their subscribers and delete those that all subscribers accepted.

    Several relays may run at once: each locks the rows that it delivers. A crash leaves the rows in place, so
    that they are delivered again.

    Returns:
        how many events were processed; if it is `limit`, there may be more.
    """
    with transaction.atomic():
        taken = list(
            OutboxEvent.objects.filter(due_at__lte=timezone.now())
            .exclude(topic__in=events.external_topics())
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


def relay_external(*, limit: int = BATCH) -> int:
    """Deliver due events of topics whose subscribers call external servers, one by one.

    Each event is leased first, so that no transaction stays open during the external call; its subscribers open
    their own. If the process dies, the event is delivered again after the lease has expired.

    Returns:
        how many events were processed; if it is `limit`, there may be more.
    """
    for taken in range(limit):
        event = _lease()
        if event is None:
            return taken
        try:
            for subscriber in events.subscribers_of(event.topic):
                subscriber([event.payload])
        except Exception as error:
            log.exception("a subscriber of %s failed; the event will be delivered again", event.topic)
            _postpone([event], f"{type(error).__name__}: {error}")
        else:
            event.delete()
    return limit


def _lease() -> OutboxEvent | None:
    """The event that is due first, postponed by the length of the lease."""
    with transaction.atomic():
        event = (
            OutboxEvent.objects.filter(due_at__lte=timezone.now(), topic__in=events.external_topics())
            .select_for_update(skip_locked=True)
            .order_by("due_at", "id")
            .first()
        )
        if event is not None:
            event.due_at = timezone.now() + LEASE
            event.save(update_fields=["due_at"])
        return event


def _deliver(topic: str, batch: Iterable[OutboxEvent]) -> str | None:
    payloads = [event.payload for event in batch]
    try:
        for subscriber in events.subscribers_of(topic):
            with transaction.atomic():  # a failing subscriber rolls back only its own changes
                subscriber(payloads)
    except Exception as error:
        log.exception("a subscriber of %s failed; %d event(s) will be delivered again", topic, len(payloads))
        return f"{type(error).__name__}: {error}"
    return None


def _postpone(batch: Iterable[OutboxEvent], error: str) -> None:
    for event in batch:
        event.attempts += 1
        event.due_at = timezone.now() + min(MAX_DELAY, timedelta(seconds=2 ** min(event.attempts, MAX_DOUBLINGS)))
        event.last_error = error[:2000]
        event.save(update_fields=["attempts", "due_at", "last_error"])
