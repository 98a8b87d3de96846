"""Events between apps: lower apps emit them, higher apps subscribe, the outbox delivers them."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

Payload = dict[str, Any]
Subscriber = Callable[[Sequence[Payload]], None]

_subscribers: dict[str, list[Subscriber]] = defaultdict(list)
_external: set[str] = set()


def subscribe(topic: str, subscriber: Subscriber, *, external: bool = False) -> None:
    """Call `subscriber` with the payloads of `topic`: one or more a call, each at least once, in no strict order.

    It must be idempotent. If it raises, the same payloads are delivered again later. Call this in
    `AppConfig.ready`.

    Args:
        external: the subscriber calls an external server, which may be slow. Such a topic is delivered one event
            at a time, outside of any transaction, so that it does not delay other topics.
    """
    if subscriber not in _subscribers[topic]:
        _subscribers[topic].append(subscriber)
    if external:
        _external.add(topic)


def external_topics() -> frozenset[str]:
    """The topics whose subscribers call external servers."""
    return frozenset(_external)


def subscribers_of(topic: str) -> Sequence[Subscriber]:
    """The subscribers of a topic, in the order of their subscriptions."""
    return tuple(_subscribers[topic])
