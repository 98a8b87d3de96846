"""The node's one finaliser: stores artifacts, then ends and settles what is finished, many in one transaction."""

import logging
import queue
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

import redis

from inference.domain.lifecycle import NOT_BILLED_REASONS, Status
from inference.runtime.engine import Result
from inference.services import wakeups
from inference.worker.claims import Claimed, Ended, complete
from inference.worker.measured import measured
from inference.worker.threads import AWAY, ServiceThread
from inference.worker.work import WorkInHand
from marketplace.core.ids import new_id, short
from marketplace.core.storage import BlobStore

log = logging.getLogger(__name__)

MAX_RESULTS_PER_TRANSACTION = 64
MAX_QUEUED_RESULTS = 512  # results; a full queue holds the device back, so that memory stays bounded
IDLE_SECONDS = 0.5


@dataclass(frozen=True)
class Finished:
    """A prediction that was run, before its outputs are stored."""

    claimed: Claimed
    result: Result
    load_seconds: float


class Finaliser(ServiceThread):
    """Keeps results until store and database have them; the lease is renewed meanwhile, the attempt guards the end."""

    def __init__(self, work: WorkInHand, *, store: BlobStore) -> None:
        super().__init__("finaliser")
        self._work, self._store = work, store
        self._queue: queue.Queue[Finished | Ended] = queue.Queue(MAX_QUEUED_RESULTS)
        self._unstored: Finished | Ended | None = None  # taken from the queue, its outputs not in the store yet
        self._unsaved: list[Ended] = []

    def put_all(self, results: Iterable[Finished | Ended]) -> None:
        for result in results:
            self._queue.put(result)

    def is_idle(self) -> bool:
        return self._queue.empty() and self._unstored is None and not self._unsaved

    def turn(self) -> None:
        self._collect()
        if not self._unsaved:
            return
        try:
            ended = complete(self._unsaved)
        except AWAY:
            raise  # they are kept and saved when the database is back
        except Exception:
            log.exception("a batch of %d results was refused; each is saved alone", len(self._unsaved))
            ended = [one for result in self._unsaved for one in _complete_alone(result)]
        self._work.remove((one.id, one.attempt) for one in self._unsaved)
        if len(ended) < len(self._unsaved):
            log.warning("%d result(s) came too late: others have taken them over", len(self._unsaved) - len(ended))
        self._unsaved = []
        try:
            wakeups.publish_ends(ended)
        except redis.RedisError as error:
            log.warning("waiting callers were not woken, they will look: %s", error)

    def _collect(self) -> None:
        try:
            while len(self._unsaved) < MAX_RESULTS_PER_TRANSACTION:
                if self._unstored is None:
                    self._unstored = self._queue.get(block=not self._unsaved, timeout=IDLE_SECONDS)
                self._unsaved.append(_stored(self._unstored, self._store))
                self._unstored = None
        except queue.Empty:
            return


def _stored(item: Finished | Ended, store: BlobStore) -> Ended:
    """What the item ends as, its outputs in the store. A defect fails it; a store that is away is waited for."""
    if isinstance(item, Ended):
        return item
    try:
        return _end(item, store)
    except AWAY:
        raise
    except Exception:
        log.exception("the outputs of prediction %s could not be stored", short(item.claimed.id))
        return _unsaveable(item.claimed)


def _complete_alone(result: Ended) -> list[tuple[uuid.UUID, str | None]]:
    """Save one result; if the database refuses it, fail the prediction instead, so that nobody waits for ever."""
    try:
        return complete([result])
    except AWAY:
        raise
    except Exception:
        log.exception("the result of prediction %s was refused", short(result.id))
        return complete([_unsaveable(result)])


def _unsaveable(prediction: Claimed | Ended) -> Ended:
    """The end of a prediction that ran and whose result cannot be kept."""
    return Ended(
        prediction.id,
        prediction.attempt,
        Status.FAILED,
        error="The result could not be saved.",
        not_billed_reason=NOT_BILLED_REASONS[Status.FAILED],
    )


def _end(finished: Finished, store: BlobStore) -> Ended:
    """Store the outputs of a result and say what it ends as and delivered."""
    claimed, result = finished.claimed, finished.result
    status = Status.SUCCEEDED
    if result.error is not None:
        status = Status.FAILED
    elif result.canceled_at_step is not None:
        status = Status.CANCELED
    artifacts = []
    if status is Status.SUCCEEDED:
        for position, output in enumerate(result.outputs):
            blob = store.put(output.data)
            artifacts.append(
                {
                    "id": str(new_id()),
                    "position": position,
                    "sha256": blob.sha256,
                    "media_type": output.media_type,
                    "size": blob.size,
                    "width": output.width,
                    "height": output.height,
                }
            )
    return Ended(
        id=claimed.id,
        attempt=claimed.attempt,
        status=status,
        error=result.error or "",
        not_billed_reason=NOT_BILLED_REASONS.get(status, ""),
        quantities=measured(result),
        source=f"prediction:{short(claimed.id)}",
        load_seconds=finished.load_seconds,
        run_seconds=result.run_seconds,
        batch_size=result.batch_size,
        stopped_at_step=result.canceled_at_step,
        artifacts=artifacts,
        value=result.value,
    )
