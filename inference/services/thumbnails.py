"""Making thumbnails of stored pictures in the background: queueing pictures, and taking them from the queue.

The queue is the table itself: a row is due, leased or over. A worker that dies leaves a lease that expires; one that
races another makes the same bytes, which the store keeps once.
"""

import logging
import os
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection

from inference.domain.files import MEDIA_TYPES
from inference.domain.lifecycle import Status
from inference.domain.thumbnails import LIGHT_BYTES, SMALL, NoThumbnail, thumbnails_of
from inference.models import Thumbnails
from marketplace.core.events import Payload
from marketplace.core.storage import BlobMissing, blob_store

log = logging.getLogger(__name__)

PORTION = 4  # taken at a time
MAX_SECONDS = 1.5  # of one call; shorter than the time between two
MAX_ATTEMPTS = 3  # then the picture itself is taken for the reason
LEASE_SECONDS = 120
NICENESS = 10  # the web process, nodes and other tasks come first
MAX_ERROR_LENGTH = 500

# Several relays may queue at once: all insert in one order, so that none waits for another in a circle.
QUEUE_RESULTS = """
INSERT INTO inference_thumbnails(source)
SELECT DISTINCT sha256 FROM inference_artifact
WHERE prediction_id = ANY (%(predictions)s) AND media_type = ANY (%(media_types)s)
  AND NOT (greatest(width, height) <= %(side)s AND size <= %(light)s)
ORDER BY sha256
ON CONFLICT DO NOTHING
"""
# The newest first: what was just made is looked at before what lies there since long.
TAKE = """
UPDATE inference_thumbnails AS taken
SET attempts = taken.attempts + 1, due_at = now() + make_interval(secs => %(lease)s)
FROM (SELECT source FROM inference_thumbnails WHERE due_at <= now()
      ORDER BY due_at DESC LIMIT %(limit)s FOR UPDATE SKIP LOCKED) AS due
WHERE taken.source = due.source
RETURNING taken.source, taken.attempts
"""


def on_prediction_completed(payloads: Sequence[Payload]) -> None:
    """Queue the pictures of predictions that succeeded. A repeated event changes nothing."""
    succeeded = [payload["id"] for payload in payloads if payload["status"] == Status.SUCCEEDED]
    if not succeeded:
        return
    parameters: dict[str, Any] = {"predictions": succeeded, "media_types": list(MEDIA_TYPES.values())}
    with connection.cursor() as cursor:
        cursor.execute(QUEUE_RESULTS, parameters | {"side": SMALL, "light": LIGHT_BYTES})


def queue(sources: Iterable[str]) -> None:
    """Queue pictures by their digests; those that were queued before are left as they are."""
    rows = [Thumbnails(source=source) for source in sorted(set(sources))]
    Thumbnails.objects.bulk_create(rows, ignore_conflicts=True)


def make_due(*, seconds: float = MAX_SECONDS) -> int:
    """Make thumbnails of queued pictures for about `seconds`, and return of how many pictures."""
    count, end = 0, time.monotonic() + seconds
    with ThreadPoolExecutor(max_workers=1, initializer=_let_others_go_first) as pool:
        while time.monotonic() < end and (taken := _take()):
            for source, attempts in taken:
                _make(pool, source, attempts)
            count += len(taken)
    return count


def _take() -> Sequence[tuple[str, int]]:
    with connection.cursor() as cursor:
        cursor.execute(TAKE, {"lease": LEASE_SECONDS, "limit": PORTION})
        return [(source, attempts) for source, attempts in cursor.fetchall()]


def _make(pool: ThreadPoolExecutor, source: str, attempts: int) -> None:
    if attempts > MAX_ATTEMPTS:
        _end(source, error=f"{MAX_ATTEMPTS} workers ended while they made it")
        return
    try:
        _end(source, made=pool.submit(_stored, source).result())
    except NoThumbnail as error:
        _end(source, error=str(error))
    except Exception as error:
        log.exception("the thumbnails of %s were not made", source)
        if attempts == MAX_ATTEMPTS:
            _end(source, error=f"{type(error).__name__}: {error}")


def _stored(source: str) -> Mapping[str, Any]:
    """Make the thumbnails and put them into the store; what is said of them in the row. Raises NoThumbnail."""
    store = blob_store()
    try:
        with store.open(source) as stream:
            thumbnails = thumbnails_of(stream)
    except BlobMissing:
        raise NoThumbnail("its bytes are missing from the store") from None
    return {
        str(side): {"sha256": blob.sha256, "size": blob.size, "width": width, "height": height}
        for side, (data, width, height) in thumbnails.items()
        for blob in (store.put(data),)
    }


def _end(source: str, *, made: Mapping[str, Any] | None = None, error: str = "") -> None:
    """Record the result, unless another worker has done so already."""
    waiting = Thumbnails.objects.filter(source=source, due_at__isnull=False)
    waiting.update(made=made or {}, error=error[:MAX_ERROR_LENGTH].replace("\0", ""), due_at=None)


def _let_others_go_first() -> None:
    if sys.platform == "linux":  # where threads have a niceness of their own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
