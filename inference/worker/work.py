"""What a node is working on right now, shared by its threads."""

import threading
import uuid
from collections.abc import Iterable


class WorkInHand:
    """The claimed predictions that have not been ended yet, and which of them were cancelled."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids: set[uuid.UUID] = set()
        self._canceled: set[uuid.UUID] = set()
        self.busy_seconds = 0.0

    def add(self, ids: Iterable[uuid.UUID]) -> None:
        with self._lock:
            self._ids.update(ids)

    def remove(self, ids: Iterable[uuid.UUID]) -> None:
        with self._lock:
            gone = set(ids)
            self._ids -= gone
            self._canceled -= gone

    def ids(self) -> list[uuid.UUID]:
        with self._lock:
            return list(self._ids)

    def cancel(self, ids: Iterable[uuid.UUID]) -> None:
        """Mark for cancelling; ids that are not in hand are ignored."""
        with self._lock:
            self._canceled |= self._ids & set(ids)

    def is_canceled(self, prediction: uuid.UUID) -> bool:
        return prediction in self._canceled
