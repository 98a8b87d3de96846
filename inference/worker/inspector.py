"""Inspects versions: load, golden run, profile, examples, in slices; buyers' predictions run between them."""

import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings

from billing.pricing.domain import Unit
from inference.domain.receipts import canonical
from inference.runtime.adapters.base import Adapter, Job, Output
from inference.runtime.cache import WeightsDamaged
from inference.runtime.device import Device
from inference.runtime.engine import Result, run_batch
from inference.runtime.profiling import count_flops, peak_memory
from inference.runtime.residency import ModelTooLarge
from inference.services import inspections
from inference.services.inspections import Claim, ClaimLost, Picture
from inference.worker.placement import Placement
from inference.worker.threads import SERVICE_AWAY
from inference.worker.work import WorkInHand
from marketplace.core.files import references_in
from marketplace.core.problems import FieldError
from marketplace.core.storage import BlobStore
from providers import tasks
from providers.domain import CheckState, Step
from providers.selectors import checks_of, version_by_id

log = logging.getLogger(__name__)

BATCHES = (1, 2, 4, 8)
MAX_REASON_LENGTH = 500
REMEDY = "Run the folder with diffusers on your own machine, correct it and publish it again."
Detail = dict[str, Any]


class StepFailed(Exception):
    """The version fails this step; `error` has the file, the reason and the remedy."""

    def __init__(self, reason: str, *, file: str = "") -> None:
        super().__init__(reason)
        self.error = FieldError(file, reason)


class Inspector:
    """Runs inspections, one at a time, in turns of a few seconds at most, on the device's thread.

    If an inspection is interrupted (the process dies, the database is unavailable), its lease expires and a node goes
    on with the first step that has not passed.
    """

    def __init__(self, *, node: str, device: Device, placement: Placement, work: WorkInHand, store: BlobStore) -> None:
        self._node, self._device = node, device
        self._placement, self._work, self._store = placement, work, store
        self._slices: Iterator[None] | None = None
        self._look = False

    def look(self) -> None:
        """Look for an inspection at the next turn."""
        self._look = True

    def has_work(self) -> bool:
        """Whether there may be a slice to run."""
        return self._slices is not None or self._look

    def turn(self) -> None:
        """Run one slice of the current inspection, or claim an inspection."""
        if self._slices is None:
            self._look = False
            claim = inspections.claim(node=self._node)
            if claim is None:
                return
            self._work.inspection = claim
            self._slices = self._inspect(claim)
        done = True
        start = time.perf_counter()
        try:
            done = next(self._slices, self) is self
        except ClaimLost:
            log.warning("an inspection was taken over by another node")
        finally:
            self._work.busy_seconds += time.perf_counter() - start
            if done:
                self._slices, self._work.inspection, self._look = None, None, True

    def _inspect(self, claim: Claim) -> Iterator[None]:
        yield from _Inspection(claim, self._device, self._placement, self._store).slices()


class _Inspection:
    """One claimed inspection. Buyers' predictions run at each `yield` of its steps."""

    def __init__(self, claim: Claim, device: Device, placement: Placement, store: BlobStore) -> None:
        self._claim, self._device, self._placement, self._store = claim, device, placement, store
        version = version_by_id(claim.version)
        if version is None:
            raise ClaimLost(claim.version)
        self._trials: Sequence[Mapping[str, Any]] = version.trials
        self._schema = version.input_schema
        self._task = tasks.task_named(version.model.task)
        self._passed = {check.step for check in checks_of(version) if check.state == CheckState.PASSED}

    def slices(self) -> Iterator[None]:
        """Run all steps that have not passed yet."""
        steps: dict[Step, Callable[[], Iterator[Detail]]] = {
            Step.LOAD: self._load,
            Step.GOLDEN: self._golden,
            Step.PROFILE: self._profile,
            Step.EXAMPLES: self._examples,
        }
        for step, do in steps.items():
            if step in self._passed:
                continue
            detail: Detail = {}
            self._report(step, CheckState.RUNNING)
            try:
                for detail in do():
                    self._report(step, CheckState.RUNNING, detail)
                    yield
            except StepFailed as failed:
                self._report(step, CheckState.FAILED, detail, errors=[failed.error])
                self._placement.drop(self._claim.version)
                return
            self._report(step, CheckState.PASSED, detail)
            yield

    def _load(self) -> Iterator[Detail]:
        adapter, seconds = self._loaded()
        yield {"device": self._device.name, "seconds": seconds, "bytes": adapter.weight_bytes()}

    def _golden(self) -> Iterator[Detail]:
        """Run the first trial twice: the digests of its outputs, and whether they are equal."""
        detail: Detail = {"device": self._device.name, "input": self._trials[0]}
        for name in ("digests", "again"):
            [result] = self._run([self._trials[0]])
            detail[name] = [hashlib.sha256(output.data).hexdigest() for output in _outputs(result)]
            detail.setdefault("seconds", result.run_seconds)
            detail["reproducible"] = detail["digests"] == detail["again"] if "again" in detail else None
            yield detail

    def _profile(self) -> Iterator[Detail]:
        """Seconds of an image by batch size at the version's default inputs, floating-point operations, memory."""
        trial = self._trials[0]
        images = self._task.quantities(dict(trial), self._schema)[Unit.IMAGE]
        detail: Detail = {"device": self._device.name, "unit": Unit.IMAGE, "input": trial, "batches": []}
        adapter, _ = self._loaded()
        detail["flops"] = count_flops(partial(run_batch, adapter, [self._job(trial)])) // images
        yield detail
        peak_bytes = 0
        for size in (size for size in BATCHES if size <= settings.NODE_MAX_BATCH):
            with peak_memory(self._device) as peak:
                results = self._run([trial] * size)
            if results[0].batch_size != size:
                break  # it was split, because memory ran out
            seconds = results[0].run_seconds
            detail["batches"].append({"size": size, "seconds": seconds, "seconds_per_unit": seconds / (size * images)})
            if peak.bytes is not None:
                peak_bytes = max(peak_bytes, peak.bytes)
                detail["peak_bytes"] = adapter.weight_bytes() + peak_bytes
            yield detail

    def _examples(self) -> Iterator[Detail]:
        for position, trial in enumerate(self._trials):
            [result] = self._run([trial])
            output = _outputs(result)[0]
            blob = self._store.put(output.data)
            picture = Picture(
                position=position,
                input=trial,
                sha256=blob.sha256,
                media_type=output.media_type,
                size=blob.size,
                width=output.width,
                height=output.height,
                seconds=result.run_seconds,
            )
            detail = {"made": position + 1, "of": len(self._trials)}
            self._report(Step.EXAMPLES, CheckState.RUNNING, detail, picture=picture)
            yield detail

    def _run(self, trials: Sequence[Mapping[str, Any]]) -> list[Result]:
        """Run trials as one batch. Raises StepFailed unless each succeeds."""
        adapter, _ = self._loaded()
        results = run_batch(adapter, [self._job(trial) for trial in trials])
        for result in results:
            if result.error is not None:
                raise StepFailed(f"{result.error} {REMEDY}")
            if not _outputs(result):
                raise StepFailed(f"The model made nothing. {REMEDY}")
        return results

    def _job(self, trial: Mapping[str, Any]) -> Job:
        files = {
            field: b"".join(self._store.chunks(reference.sha256)) for field, reference in references_in(trial).items()
        }
        return Job(inputs=trial, files=files, on_step=lambda _done, _steps: None, canceled=lambda: False)

    def _loaded(self) -> tuple[Adapter, float]:
        """The model on the device, and the seconds that loading took, 0 if it was loaded.

        Raises:
            StepFailed: it cannot be loaded.
            OSError: the store is unavailable.
        """
        version = self._claim.version
        adapter = self._placement.loaded(version)
        if adapter is not None:
            return adapter, 0.0
        start = time.perf_counter()
        try:
            folder = self._placement.fetch(version)
        except WeightsDamaged as damaged:
            raise StepFailed(str(damaged), file=damaged.path) from None
        try:
            adapter = self._placement.load_folder(version, folder)
        except SERVICE_AWAY:
            raise
        except ModelTooLarge as error:
            raise StepFailed(str(error)) from None
        except Exception as error:  # the libraries raise errors of many kinds for an inconsistent folder
            log.warning("version %s cannot be loaded", version[:12], exc_info=error)
            raise StepFailed(
                f"cannot be loaded: {_reason(error, folder)} {REMEDY}", file=_file(error, folder)
            ) from None
        finally:
            self._placement.release(version)
        self._placement.adopt(version)
        return adapter, time.perf_counter() - start

    def _report(
        self,
        step: Step,
        state: CheckState,
        detail: Mapping[str, Any] | None = None,
        *,
        errors: Sequence[FieldError] = (),
        picture: Picture | None = None,
    ) -> None:
        inspections.report(self._claim, step=step, state=state, detail=detail, errors=errors, picture=picture)


def _outputs(result: Result) -> Sequence[Output]:
    """The outputs of a run; a value counts as a JSON file."""
    if result.value is None:
        return result.outputs
    return [Output(canonical(result.value), "application/json", None, None)]


def _reason(error: Exception, folder: Path) -> str:
    """The library's message, without this machine's paths."""
    text = " ".join(str(error).replace(f"{folder}/", "").replace(str(folder), "the folder").split())
    text = text or type(error).__name__
    return text if len(text) <= MAX_REASON_LENGTH else f"{text[:MAX_REASON_LENGTH]}…"


def _file(error: Exception, folder: Path) -> str:
    """The file or component of the folder that the error names, "" if it names none."""
    text = str(error)
    paths = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*"))]
    return next((path for path in reversed(paths) if f"{folder}/{path}" in text), "")
