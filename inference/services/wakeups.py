"""Messages through Redis: notices of work, progress and wake-ups. Losing one causes a delay, never wrong data."""

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
ENDED_PROGRESS_SECONDS = 60  # for watchers that reconnect; later ones read the end from the database
NOTICE_MILLISECONDS = 1000
LISTENER_SECONDS = 30


@cache
def client() -> redis.Redis:
    """The process's Redis client (thread-safe, pooled)."""
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=2)


def pending_work_key(version: str) -> str:
    """Key that is set while a notice of this version is under way, so that a burst of calls sends one notice."""
    return f"pending_work:{version}"


def listeners_key(version: str) -> str:
    """Sorted set of the nodes that listen to this version's queue, scored by when that expires (Unix seconds)."""
    return f"listeners:{version}"


def progress_key(prediction: uuid.UUID) -> str:
    """Key of the prediction's capped stream of progress, which expires soon after the prediction has ended."""
    return f"progress:{short(prediction)}"


def channel_of(prediction: uuid.UUID) -> str:
    """Pub/sub channel that wakes the watchers of this prediction."""
    return f"prediction:{short(prediction)}"


def node_channel(node: str) -> str:
    """Pub/sub channel for a node's cancellations."""
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
    """Wake the processes that wait for or watch these predictions (prediction, waiting web process's channel).

    Their progress expires: kept for an hour, that of a busy market filled Redis within the hour.
    """
    pipe = client().pipeline(transaction=False)
    for prediction, reply_channel in ended:
        if reply_channel:
            pipe.publish(reply_channel, short(prediction))
        pipe.expire(progress_key(prediction), ENDED_PROGRESS_SECONDS)
        pipe.publish(channel_of(prediction), "done")
    pipe.execute()


def publish_cancel(node: str, prediction: uuid.UUID) -> None:
    """Tell a node to stop working on a prediction; it also finds out when it renews its lease."""
    client().publish(node_channel(node), short(prediction))


def announce_listener(node: str, versions: Iterable[str]) -> None:
    """Record that this node listens to the versions' queues for the next `LISTENER_SECONDS`."""
    pipe = client().pipeline(transaction=False)
    for version in versions:
        pipe.zadd(listeners_key(version), {node: time.time() + LISTENER_SECONDS})
        pipe.expire(listeners_key(version), 2 * LISTENER_SECONDS)
    pipe.execute()


def withdraw_listener(node: str, version: str) -> None:
    """Record that this node no longer listens to the version's queue."""
    client().zrem(listeners_key(version), node)
