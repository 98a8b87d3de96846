"""What goes through Redis: doorbells, progress and wake-ups. Losing any of it costs time, never truth."""

import time
import uuid
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import orjson
import redis
from django.conf import settings

from marketplace.core.ids import short

PROGRESS_KEPT = 200
PROGRESS_SECONDS = 3600
RUNG_MILLISECONDS = 1000
HEARD_SECONDS = 30


@cache
def client() -> redis.Redis:
    """The process's Redis client (thread-safe, pooled)."""
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=2)


def rung_key(version: str) -> str:
    """Set while a ring for this version is under way, so that a burst of calls rings once."""
    return f"rung:{version}"


def heard_key(version: str) -> str:
    """Sorted set: the nodes that hear this version's queue, scored by until when (Unix seconds)."""
    return f"heard:{version}"


def progress_key(prediction: uuid.UUID) -> str:
    """The prediction's capped, expiring stream of progress."""
    return f"progress:{short(prediction)}"


def channel_of(prediction: uuid.UUID) -> str:
    """Pub/sub channel that wakes whoever watches this prediction."""
    return f"prediction:{short(prediction)}"


def node_channel(node: str) -> str:
    """Pub/sub channel on which a node hears of cancellations."""
    return f"node:{node}"


def publish_progress(events: Iterable[tuple[uuid.UUID, str, Mapping[str, Any]]]) -> None:
    """Append events (prediction, kind, data) to their streams and wake the watchers, in one round trip."""
    pipe = client().pipeline(transaction=False)
    for prediction, kind, data in events:
        key = progress_key(prediction)
        pipe.xadd(key, {"kind": kind, "data": orjson.dumps(data)}, maxlen=PROGRESS_KEPT, approximate=True)
        pipe.expire(key, PROGRESS_SECONDS)
        pipe.publish(channel_of(prediction), kind)
    pipe.execute()


def publish_ends(ended: Iterable[tuple[uuid.UUID, str | None]]) -> None:
    """Wake whoever waits for or watches these predictions (prediction, waiting web process's channel)."""
    pipe = client().pipeline(transaction=False)
    for prediction, waiter in ended:
        if waiter:
            pipe.publish(waiter, short(prediction))
        pipe.publish(channel_of(prediction), "done")
    pipe.execute()


def publish_cancel(node: str, prediction: uuid.UUID) -> None:
    """Tell a node to stop working on a prediction; it also learns so when it renews its lease."""
    client().publish(node_channel(node), short(prediction))


def announce_heard(node: str, versions: Iterable[str]) -> None:
    """Say that this node hears the versions' queues, for the next half minute."""
    pipe = client().pipeline(transaction=False)
    for version in versions:
        pipe.zadd(heard_key(version), {node: time.time() + HEARD_SECONDS})
        pipe.expire(heard_key(version), 2 * HEARD_SECONDS)
    pipe.execute()


def announce_unheard(node: str, version: str) -> None:
    client().zrem(heard_key(version), node)
