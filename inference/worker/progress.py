"""Publishes the progress of a running batch, at most ten times a second."""

import logging
import time
import uuid
from collections.abc import Sequence

import redis

from inference.services import wakeups

log = logging.getLogger(__name__)

MIN_INTERVAL_SECONDS = 0.1


class BatchProgress:
    """Publishes the state and the steps of a batch for each of its predictions."""

    def __init__(self, predictions: Sequence[uuid.UUID]) -> None:
        self._predictions = predictions
        self._next = 0.0
        self._step = 0

    def state(self, cause: str) -> None:
        """Publish what the predictions are doing now: `loading` or `running`."""
        self._publish("state", {"status": "processing", "cause": cause})

    def step(self, step: int, steps: int) -> None:
        """Publish that step `step` of `steps` is done. Called once for each prediction of the batch."""
        if step == self._step:
            return
        self._step = step
        now = time.monotonic()
        if now >= self._next or step == steps:
            self._next = now + MIN_INTERVAL_SECONDS
            self._publish("progress", {"step": step, "steps": steps})

    def _publish(self, kind: str, data: dict[str, object]) -> None:
        try:
            wakeups.publish_progress((prediction, kind, data) for prediction in self._predictions)
        except redis.RedisError as error:
            log.warning("progress is not shown: %s", error)
