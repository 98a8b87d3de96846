"""What a node is working on right now, shared by its threads."""

import threading
import uuid
from collections.abc import Iterable

from inference.services.inspections import Claim

Attempt = tuple[uuid.UUID, int]  # a prediction and the number of its claim


class WorkInHand:
    """The claimed predictions that have not been ended yet, and which of them were cancelled.

    A prediction may be in hand twice, when this node took it up again after its lease had run out.

    Attributes:
        busy_seconds: time that the device has worked so far.
        inspection: the inspection that is being done.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._attempts: set[Attempt] = set()
        self._canceled: set[uuid.UUID] = set()
        self.busy_seconds = 0.0
        self.inspection: Claim | None = None

    def add(self, attempts: Iterable[Attempt]) -> None:
        with self._lock:
            self._attempts.update(attempts)

    def remove(self, attempts: Iterable[Attempt]) -> None:
        with self._lock:
            self._attempts.difference_update(attempts)
            self._canceled &= {prediction for prediction, _ in self._attempts}

    def predictions(self) -> list[uuid.UUID]:
        with self._lock:
            return list({prediction for prediction, _ in self._attempts})

    def cancel(self, predictions: Iterable[uuid.UUID]) -> None:
        """Mark for cancelling; what is not in hand is ignored."""
        with self._lock:
            self._canceled |= {prediction for prediction, _ in self._attempts} & set(predictions)

    def is_canceled(self, prediction: uuid.UUID) -> bool:
        return prediction in self._canceled
