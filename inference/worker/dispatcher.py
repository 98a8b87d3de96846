"""The thread that owns the device: claims a batch, runs it and passes the results to the finaliser."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from functools import partial

from django.conf import settings

from inference.domain.lifecycle import NOT_BILLED_REASONS, Status
from inference.runtime.adapters.base import Adapter, Job
from inference.runtime.device import Device
from inference.runtime.engine import run_batch
from inference.runtime.residency import ModelTooLarge
from inference.services import dispatch, wakeups
from inference.worker.claims import Claimed, Ended, claim, waiting_versions
from inference.worker.files import read_files
from inference.worker.finaliser import Finaliser, Finished
from inference.worker.inspector import Inspector
from inference.worker.placement import Placement
from inference.worker.progress import BatchProgress
from inference.worker.threads import ServiceThread
from inference.worker.work import WorkInHand
from marketplace.core.storage import blob_store

log = logging.getLogger(__name__)

SWEEP_SECONDS = 1.0
MAX_INSPECTION_PAUSE_SECONDS = 15.0  # after this pause even a busy node does the next slice of an inspection


class Dispatcher(ServiceThread):
    """Takes the versions with pending work in turn, one batch each, so that no model starves another."""

    def __init__(
        self,
        *,
        node: str,
        device: Device,
        placement: Placement,
        finaliser: Finaliser,
        work: WorkInHand,
        inspector: Inspector,
    ) -> None:
        super().__init__("dispatcher")
        self._node, self._device = node, device
        self._placement, self._finaliser, self._work = placement, finaliser, work
        self._pending_work: OrderedDict[str, None] = OrderedDict()
        self._work_arrived = threading.Condition()
        self._inspector = inspector
        self._inspected_at = 0.0
        self._next_sweep = 0.0

    def notify(self, version: str) -> None:
        """Queue this version: its predictions are claimed when its turn comes."""
        with self._work_arrived:
            self._pending_work[version] = None
            self._work_arrived.notify()

    def notify_inspection(self) -> None:
        """Look for a version to inspect as soon as no prediction waits."""
        with self._work_arrived:
            self._inspector.look()
            self._work_arrived.notify()

    def stop(self) -> None:
        super().stop()
        with self._work_arrived:
            self._work_arrived.notify()

    def turn(self) -> None:
        if time.monotonic() >= self._next_sweep:
            self._sweep()
            self._next_sweep = time.monotonic() + SWEEP_SECONDS
        with self._work_arrived:
            if not self._pending_work and not self._inspector.has_work() and not self.stopping.is_set():
                self._work_arrived.wait(SWEEP_SECONDS)
            paused_seconds = time.monotonic() - self._inspected_at
            is_overdue = self._inspector.has_work() and paused_seconds > MAX_INSPECTION_PAUSE_SECONDS
            version = self._pending_work.popitem(last=False)[0] if self._pending_work and not is_overdue else None
        if version is not None:
            self._serve(version)
        elif self._inspector.has_work():
            self._inspected_at = time.monotonic()
            self._inspector.turn()

    def _sweep(self) -> None:
        """Find waiting predictions without a notice: notices get lost, and a version may have no listener."""
        self._inspector.look()
        for version in waiting_versions():
            if version in self._placement.listening():
                self.notify(version)
            else:
                # Unless another node listens for it, a node is asked to adopt it.
                dispatch.notify_node(version)

    def _serve(self, version: str) -> None:
        # The flag is deleted before the claim: a call admitted after the claim then sends another notice.
        wakeups.client().delete(wakeups.pending_work_key(version))
        claimed, more = claim(node=self._node, device=self._device.name, version=version, limit=settings.NODE_MAX_BATCH)
        if more:
            self.notify(version)
        if not claimed:
            self._warm(version)
            return
        self._work.add((one.id, one.attempt) for one in claimed)
        try:
            self._run(version, claimed)
        except Exception as error:
            # The callers must not wait any longer, whatever the error is.
            log.exception("version %s failed", version)
            self._finaliser.put_all(_failures(claimed, error))

    def _warm(self, version: str) -> None:
        """A notice without work asks for the weights: load them ahead of the next prediction."""
        if version in self._placement.listening() and self._placement.loaded(version) is None:
            self._placement.load(version)

    def _adapter(self, version: str, progress: BatchProgress) -> tuple[Adapter, float]:
        adapter = self._placement.loaded(version)
        if adapter is not None:
            return adapter, 0.0
        progress.state("loading")
        self._placement.adopt(version)
        return self._placement.load(version)

    def _run(self, version: str, claimed: Sequence[Claimed]) -> None:
        progress = BatchProgress([one.id for one in claimed])
        adapter, load_seconds = self._adapter(version, progress)
        files, lost = read_files(claimed, blob_store())
        self._finaliser.put_all(lost)
        claimed = [one for one in claimed if one.id in files]
        progress.state("running")
        jobs = [
            Job(
                inputs=one.input,
                on_step=progress.step,
                canceled=partial(self._work.is_canceled, one.id),
                files=files[one.id],
            )
            for one in claimed
        ]
        start = time.perf_counter()
        results = run_batch(adapter, jobs)
        self._work.busy_seconds += time.perf_counter() - start
        self._finaliser.put_all(
            [Finished(one, result, load_seconds) for one, result in zip(claimed, results, strict=True)]
        )


def _failures(claimed: Sequence[Claimed], error: Exception) -> list[Ended]:
    """The failures of predictions that could not be run; the message is for buyers, the log has the whole error."""
    message = str(error) if isinstance(error, ModelTooLarge) else "This node could not run the model."
    return [
        Ended(one.id, one.attempt, Status.FAILED, error=message, not_billed_reason=NOT_BILLED_REASONS[Status.FAILED])
        for one in claimed
    ]
