"""News between apps: lower apps emit, higher apps subscribe, deliveries go through the outbox."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

Payload = dict[str, Any]
Subscriber = Callable[[Sequence[Payload]], None]

_subscribers: dict[str, list[Subscriber]] = defaultdict(list)
_external: set[str] = set()


def subscribe(topic: str, subscriber: Subscriber, *, external: bool = False) -> None:
    """Let `subscriber` hear of `topic`: called with one or more payloads, at least once each, in no strict order.

    It must be idempotent and may raise, in which case the same payloads come again later. Call it in
    `AppConfig.ready`.

    Args:
        outside: the subscriber calls a server that is not ours and may be slow. Such a topic is delivered one event
            at a time and outside of any transaction, where it holds up no other topic.
    """
    if subscriber not in _subscribers[topic]:
        _subscribers[topic].append(subscriber)
    if external:
        _external.add(topic)


def external_topics() -> frozenset[str]:
    """The topics whose subscribers call servers that are not ours."""
    return frozenset(_external)


def subscribers_of(topic: str) -> Sequence[Subscriber]:
    return tuple(_subscribers[topic])
