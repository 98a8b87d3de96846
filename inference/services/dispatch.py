"""Ringing nodes: a Celery message that carries no work, only the news that a version has some."""

import logging
import time
from collections.abc import Sequence

import redis
from celery import current_app
from kombu.exceptions import OperationalError

from inference.domain.lifecycle import Status
from inference.models import Prediction
from inference.services import wakeups
from marketplace.core.events import Payload

log = logging.getLogger(__name__)

RING_TASK = "inference.ring"
ADOPT_TASK = "inference.adopt"
PLACEMENT_QUEUE = "placement"
MESSAGE_SECONDS = 60


def queue_of(version: str) -> str:
    """The Celery queue that nodes with this version listen to."""
    return f"m.{version}"


def ring(version: str) -> None:
    """Tell one node that predictions of this version wait. Failing is logged only: the sweep finds them too."""
    try:
        pipe = wakeups.client().pipeline(transaction=False)
        pipe.set(wakeups.rung_key(version), 1, nx=True, px=wakeups.RUNG_MILLISECONDS)
        pipe.zcount(wakeups.heard_key(version), time.time(), "+inf")
        first, heard = pipe.execute()
        if first:
            send_ring(version, heard=bool(heard))
    except (redis.RedisError, OperationalError) as error:
        log.warning("could not ring for %s: %s; a node's sweep will find what waits", version, error)


def send_ring(version: str, *, heard: bool) -> None:
    """Send the message: to the version's queue if a node hears it, else to any node that will adopt the version."""
    task, queue = (RING_TASK, queue_of(version)) if heard else (ADOPT_TASK, PLACEMENT_QUEUE)
    current_app.send_task(task, args=[version], queue=queue, ignore_result=True, expires=MESSAGE_SECONDS, retry=False)


def ring_all(payloads: Sequence[Payload]) -> None:
    """Outbox subscriber of `prediction.admitted`: ring again where something still waits."""
    versions = {payload["version"] for payload in payloads}
    waiting = Prediction.objects.filter(version__in=versions, status=Status.STARTING).values_list("version", flat=True)
    for version in set(waiting):
        ring(version)


def warm_all(payloads: Sequence[Payload]) -> None:
    """Outbox subscriber of `version.passed`: let a node have it loaded before the first call comes."""
    for payload in payloads:
        ring(payload["version"])
