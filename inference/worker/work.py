"""The predictions and the inspection that a node is working on, shared by its threads."""

import threading
import uuid
from collections.abc import Iterable

from inference.services.inspections import Claim

Attempt = tuple[uuid.UUID, int]  # a prediction and its attempt number


class WorkInHand:
    """The claimed predictions that have not been ended yet, and which of them were cancelled.

    A prediction may be listed twice, if this node claimed it again after its lease had expired.

    Attributes:
        busy_seconds: time that the device has worked so far.
        inspection: the claim of the current inspection.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._attempts: set[Attempt] = set()
        self._canceled: set[uuid.UUID] = set()
        self.busy_seconds = 0.0
        self.inspection: Claim | None = None

    def add(self, attempts: Iterable[Attempt]) -> None:
        """Record claimed predictions."""
        with self._lock:
            self._attempts.update(attempts)

    def remove(self, attempts: Iterable[Attempt]) -> None:
        """Forget ended predictions and their cancellations."""
        with self._lock:
            self._attempts.difference_update(attempts)
            self._canceled &= {prediction for prediction, _ in self._attempts}

    def predictions(self) -> list[uuid.UUID]:
        """The ids of all recorded predictions, each once."""
        with self._lock:
            return list({prediction for prediction, _ in self._attempts})

    def cancel(self, predictions: Iterable[uuid.UUID]) -> None:
        """Mark predictions as cancelled; ids that are not recorded are ignored."""
        with self._lock:
            self._canceled |= {prediction for prediction, _ in self._attempts} & set(predictions)

    def is_canceled(self, prediction: uuid.UUID) -> bool:
        """Whether the prediction was marked as cancelled."""
        return prediction in self._canceled
