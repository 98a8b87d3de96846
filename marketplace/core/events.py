"""News between apps: lower apps emit, higher apps subscribe, deliveries go through the outbox."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

Payload = dict[str, Any]
Subscriber = Callable[[Sequence[Payload]], None]

_subscribers: dict[str, list[Subscriber]] = defaultdict(list)


def subscribe(topic: str, subscriber: Subscriber) -> None:
    """Let `subscriber` hear of `topic`: called with one or more payloads, at least once each, in no strict order.

    It must be idempotent and may raise, in which case the same payloads come again later. Call it in
    `AppConfig.ready`.
    """
    if subscriber not in _subscribers[topic]:
        _subscribers[topic].append(subscriber)


def subscribers_of(topic: str) -> Sequence[Subscriber]:
    return tuple(_subscribers[topic])
