"""Notices to nodes that a version has work: Celery messages without the work, at most one per second and version."""

import logging
import time
from collections.abc import Sequence

import redis
from redis.asyncio.client import Pipeline as AsyncPipeline
from redis.client import Pipeline

from inference.domain.lifecycle import Status
from inference.models import Prediction
from inference.services import wakeups
from marketplace.core.events import Payload
from marketplace.core.messages import send_notice

log = logging.getLogger(__name__)

NOTIFY_TASK = "inference.notify"
ADOPT_TASK = "inference.adopt"
PLACEMENT_QUEUE = "placement"


def queue_of(version: str) -> str:
    """The Celery queue that nodes with this version listen to."""
    return f"m.{version}"


def notify_node(version: str) -> None:
    """Tell one node that predictions of this version wait. A failure is only logged: the sweep also finds them."""
    try:
        pipe = wakeups.client().pipeline(transaction=False)
        ask_listeners(pipe, version)
        is_first, listeners = pipe.execute()
    except redis.RedisError as error:
        log_failure(version, error)
        return
    if is_first:
        notify(version, listeners=listeners)


def ask_listeners(pipe: "Pipeline | AsyncPipeline", version: str) -> None:
    """Add two queries to a pipeline: whether a notice of this version is due, and how many nodes listen."""
    pipe.set(wakeups.pending_work_key(version), 1, nx=True, px=wakeups.NOTICE_MILLISECONDS)
    pipe.zcount(wakeups.listeners_key(version), time.time(), "+inf")


def notify(version: str, *, listeners: int) -> None:
    """Send the notice to the version's queue if nodes listen to it, else to any node, which adopts the version."""
    task, queue = (NOTIFY_TASK, queue_of(version)) if listeners else (ADOPT_TASK, PLACEMENT_QUEUE)
    send_notice(task, version, queue=queue)


def log_failure(version: str, error: Exception) -> None:
    """Log that no node could be told about this version's work."""
    log.warning("could not tell a node of %s: %s; a node's sweep will find what waits", version, error)


def on_prediction_admitted(payloads: Sequence[Payload]) -> None:
    """Tell a node again about versions whose predictions still wait."""
    versions = {payload["version"] for payload in payloads}
    waiting = Prediction.objects.filter(version__in=versions, status=Status.STARTING).values_list("version", flat=True)
    for version in set(waiting):
        notify_node(version)


def on_version_passed(payloads: Sequence[Payload]) -> None:
    """Have a node load a new version before the first call."""
    for payload in payloads:
        notify_node(payload["version"])
