"""The outbox: events are delivered after commit, at least once, despite failures and concurrent relays."""

import secrets
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from marketplace.core import events
from marketplace.core.models import OutboxEvent
from marketplace.core.outbox import LEASE, emit, relay, relay_external
from marketplace.core.tasks import MAX_EXTERNAL_DELIVERIES, relay_outbox_outside
from tests.support.concurrency import MAX_CONCURRENT_CALLS, run_concurrently

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def nothing_left(database: None) -> None:
    """Delete events that other tests left."""
    OutboxEvent.objects.all().delete()


@pytest.fixture
def topic(database: None) -> Iterator[str]:
    name = f"test.{secrets.token_hex(6)}"
    yield name
    events._subscribers.pop(name, None)


@pytest.fixture
def other(topic: str) -> Iterator[str]:
    yield f"{topic}.other"
    events._subscribers.pop(f"{topic}.other", None)


def tell(topic: str, *payloads: events.Payload) -> None:
    with transaction.atomic():
        for payload in payloads:
            emit(topic, payload)


def make_due(topic: str) -> None:
    OutboxEvent.objects.filter(topic=topic).update(due_at=timezone.now() - timedelta(seconds=1))


def test_an_event_needs_the_transaction_of_its_cause(topic: str):
    with pytest.raises(RuntimeError, match=topic):
        emit(topic, {})
    assert not OutboxEvent.objects.filter(topic=topic).exists()


def test_an_event_is_rolled_back_with_its_cause(topic: str):
    heard: list[events.Payload] = []
    events.subscribe(topic, heard.extend)
    with transaction.atomic():
        emit(topic, {"number": 1})
        transaction.set_rollback(True)
    assert relay() == 0
    assert heard == []


def test_events_that_all_subscribers_accepted_are_deleted(topic: str):
    first: list[events.Payload] = []
    second: list[events.Payload] = []
    for subscriber in (first.extend, second.extend):
        events.subscribe(topic, subscriber)
    tell(topic, {"number": 1}, {"number": 2})
    assert relay() == 2
    assert first == second == [{"number": 1}, {"number": 2}]
    assert not OutboxEvent.objects.filter(topic=topic).exists()
    assert relay() == 0


def test_events_without_subscribers_are_deleted(topic: str):
    tell(topic, {})
    assert relay() == 1
    assert not OutboxEvent.objects.filter(topic=topic).exists()


def test_events_that_are_not_due_wait(topic: str):
    tell(topic, {})
    OutboxEvent.objects.filter(topic=topic).update(due_at=timezone.now() + timedelta(minutes=1))
    assert relay() == 0
    assert OutboxEvent.objects.filter(topic=topic).count() == 1


def test_a_subscriber_that_fails_delays_its_topic_only(topic: str, other: str):
    heard: list[events.Payload] = []
    tries: list[int] = []

    def fail_twice(payloads: Sequence[events.Payload]) -> None:
        tries.append(len(payloads))
        if len(tries) <= 2:
            raise ValueError("not today")

    events.subscribe(topic, fail_twice)
    events.subscribe(other, heard.extend)
    tell(topic, {"number": 1}, {"number": 2})
    tell(other, {"number": 3})

    assert relay() == 3
    assert heard == [{"number": 3}]
    left = OutboxEvent.objects.order_by("id")
    assert [(event.topic, event.attempts, event.last_error) for event in left] == [
        (topic, 1, "ValueError: not today")
    ] * 2
    for event in left:
        assert timedelta(seconds=1) < event.due_at - timezone.now() <= timedelta(seconds=2)

    assert relay() == 0
    make_due(topic)
    assert relay() == 2
    assert {event.attempts for event in OutboxEvent.objects.all()} == {2}
    make_due(topic)
    assert relay() == 2
    assert tries == [2, 2, 2]
    assert not OutboxEvent.objects.exists()


def test_only_a_failing_subscribers_changes_are_rolled_back(topic: str, other: str):
    """A statement that fails inside of a subscriber must not break the transaction of the relay."""

    def write_and_fail(payloads: Sequence[events.Payload]) -> None:
        OutboxEvent.objects.create(topic=f"{topic}.written", payload={})
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO core_outboxevent(topic) VALUES (NULL)")

    heard: list[events.Payload] = []
    events.subscribe(topic, write_and_fail)
    events.subscribe(other, heard.extend)
    tell(topic, {})
    tell(other, {"number": 1})
    assert relay() == 2
    assert heard == [{"number": 1}]
    (left,) = OutboxEvent.objects.all()
    assert (left.topic, left.attempts) == (topic, 1)
    assert left.last_error.startswith(IntegrityError.__name__)


@pytest.mark.parametrize("attempts", [8, 9, 45, 46, 1_000])
def test_deliveries_are_never_more_than_five_minutes_apart(topic: str, other: str, attempts: int):
    """A topic that has failed for long delays no other."""

    def fail(payloads: Sequence[events.Payload]) -> None:
        raise ValueError("never")

    heard: list[events.Payload] = []
    events.subscribe(topic, fail)
    events.subscribe(other, heard.extend)
    tell(topic, {})
    tell(other, {"number": 1})
    OutboxEvent.objects.filter(topic=topic).update(attempts=attempts)
    assert relay() == 2
    assert heard == [{"number": 1}]
    (left,) = OutboxEvent.objects.all()
    assert left.attempts == attempts + 1
    assert timedelta(minutes=4, seconds=50) < left.due_at - timezone.now() <= timedelta(minutes=5)


def test_concurrent_relays_deliver_everything(topic: str):
    counted: Counter[int] = Counter()
    events.subscribe(topic, lambda payloads: counted.update(payload["number"] for payload in payloads))
    numbers = range(200)
    tell(topic, *({"number": number} for number in numbers))

    def deliver() -> int:
        taken = 0
        while some := relay(limit=7):
            taken += some
        return taken

    assert sum(run_concurrently([deliver] * MAX_CONCURRENT_CALLS)) == 200
    assert counted == dict.fromkeys(numbers, 1)  # no crash, so none was delivered twice
    assert not OutboxEvent.objects.filter(topic=topic).exists()


def test_events_of_a_dead_relay_are_delivered_again(topic: str):
    heard: list[events.Payload] = []
    events.subscribe(topic, heard.extend)
    tell(topic, {"number": 1})
    with transaction.atomic():
        assert relay() == 1
        transaction.set_rollback(True)
    assert relay() == 1
    assert heard == [{"number": 1}] * 2


# --- external topics: subscribers call external servers --------------------------------------------------------
@pytest.fixture
def outside(database: None) -> Iterator[str]:
    name = f"test.{secrets.token_hex(6)}"
    events.subscribe(name, lambda payloads: None, external=True)
    events._subscribers.pop(name)
    yield name
    events._subscribers.pop(name, None)
    events._external.discard(name)


def test_external_topics_have_their_own_relay(outside: str, topic: str):
    heard: list[events.Payload] = []
    for name in (outside, topic):
        events.subscribe(name, heard.extend)
    tell(outside, {"number": 1})
    tell(topic, {"number": 2})
    assert relay() == 1
    assert heard == [{"number": 2}]
    assert relay_external() == 1
    assert heard == [{"number": 2}, {"number": 1}]
    assert not OutboxEvent.objects.exists()


def test_no_row_is_locked_during_an_external_call(outside: str):
    """The subscriber sees no transaction of the relay's, and what it writes stays although it fails afterwards."""

    def write_and_fail(payloads: Sequence[events.Payload]) -> None:
        assert not connection.in_atomic_block
        OutboxEvent.objects.create(topic=f"{outside}.written", payload={}, due_at=timezone.now() + timedelta(hours=1))
        raise ValueError("not today")

    events.subscribe(outside, write_and_fail)
    tell(outside, {})
    assert relay_external() == 1
    assert OutboxEvent.objects.filter(topic=f"{outside}.written").count() == 1
    left = OutboxEvent.objects.get(topic=outside)
    assert (left.attempts, left.last_error) == (1, "ValueError: not today")
    assert timedelta(seconds=1) < left.due_at - timezone.now() <= timedelta(seconds=2)


def test_a_failing_external_event_delays_only_itself(outside: str):
    heard: list[int] = []

    def fail_for_two(payloads: Sequence[events.Payload]) -> None:
        (payload,) = payloads
        if payload["number"] == 2:
            raise ValueError("not this one")
        heard.append(payload["number"])

    events.subscribe(outside, fail_for_two)
    tell(outside, *({"number": number} for number in range(1, 5)))
    assert relay_external() == 4
    assert heard == [1, 3, 4]
    assert OutboxEvent.objects.get(topic=outside).payload == {"number": 2}


def test_a_dead_external_delivery_is_repeated_after_its_lease(outside: str):
    heard: list[events.Payload] = []

    def die_once(payloads: Sequence[events.Payload]) -> None:
        heard.extend(payloads)
        if len(heard) == 1:
            raise SystemExit  # like a killed process: nothing is recorded

    events.subscribe(outside, die_once)
    tell(outside, {"number": 1})
    with pytest.raises(SystemExit):
        relay_external()
    assert relay_external() == 0
    left = OutboxEvent.objects.get(topic=outside)
    assert left.attempts == 0
    assert LEASE - timedelta(seconds=10) < left.due_at - timezone.now() <= LEASE
    make_due(outside)
    assert relay_external() == 1
    assert heard == [{"number": 1}] * 2
    assert not OutboxEvent.objects.exists()


def test_concurrent_external_relays_deliver_each_event_once(outside: str):
    counted: Counter[int] = Counter()
    events.subscribe(outside, lambda payloads: counted.update(payload["number"] for payload in payloads))
    tell(outside, *({"number": number} for number in range(60)))
    assert sum(run_concurrently([relay_external] * MAX_CONCURRENT_CALLS)) == 60
    assert counted == dict.fromkeys(range(60), 1)


def test_concurrent_external_deliveries_are_limited(outside: str):
    """However many tasks run while a server does not answer."""
    inside, most = [0], [0]
    lock, done = threading.Lock(), threading.Event()

    def wait(payloads: Sequence[events.Payload]) -> None:
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        done.wait(timeout=2)
        with lock:
            inside[0] -= 1

    events.subscribe(outside, wait)
    tell(outside, *({"number": number} for number in range(MAX_CONCURRENT_CALLS)))
    threading.Timer(1, done.set).start()
    run_concurrently([relay_outbox_outside] * MAX_CONCURRENT_CALLS)
    assert most == [MAX_EXTERNAL_DELIVERIES]
    assert not OutboxEvent.objects.exists()
