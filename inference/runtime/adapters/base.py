"""The adapter protocol: one loaded model version that turns the inputs of a task into outputs."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

from inference.runtime.device import Device

log = logging.getLogger(__name__)


class Canceled(Exception):
    """The job was canceled while it waited or ran.

    Attributes:
        step: how many steps had been run; 0 means none.
    """

    def __init__(self, step: int) -> None:
        super().__init__(f"Canceled after step {step}.")
        self.step = step


class JobFailed(Exception):
    """This job cannot be run; the message is written for the buyer."""


class AdapterClosed(Exception):
    """The model was unloaded before the job began; load it and run the job again."""


@dataclass(frozen=True)
class Output:
    """One produced file. Width and height are in pixels, `None` for a file without a size in pixels.

    Attributes:
        steps: denoising steps that were run for it; 0 for what is made without.
    """

    data: bytes
    media_type: str
    width: int | None
    height: int | None
    steps: int = 0


@dataclass(frozen=True)
class Value:
    """A result that is not a file, such as a score. It must be JSON-serialisable."""

    data: Any


@dataclass(frozen=True)
class Job:
    """One prediction to run.

    Attributes:
        inputs: validated against the task's schema and complete with its defaults.
        on_step: called with (steps done, steps in all) after each step, on the thread that runs the batch.
        canceled: called between steps; once it returns true, the job gets no more reports and no outputs.
        files: the bytes of the inputs that are files, by field.
    """

    inputs: Mapping[str, Any]
    on_step: Callable[[int, int], None]
    canceled: Callable[[], bool]
    files: Mapping[str, bytes] = field(default_factory=dict)


# How a job of a batch ended: with files, with a value, or with an exception of its own.
Ending = list[Output] | Value | Exception


class Adapter(Protocol):
    """One model version on the device.

    Class attributes:
        task: the task it serves, such as "text-to-image".
        pipeline_classes: the classes of pipelines, or of models alone, that it can load, by name.
    """

    task: ClassVar[str]
    pipeline_classes: ClassVar[frozenset[str]]

    @classmethod
    def load(cls, folder: Path, device: Device) -> Self:
        """Load the weights in `folder` onto `device`, without using the network."""
        ...

    def run(self, jobs: Sequence[Job]) -> list[Ending]:
        """Run the jobs as one batch; the result has one ending for each job, in order.

        A job that fails by itself has its exception as its ending: `Canceled` or `JobFailed`. An error that fails
        the whole batch is raised.
        """
        ...

    def weight_bytes(self) -> int:
        """Bytes that the weights take on the device."""
        ...

    def close(self) -> None:
        """Free the memory, after a running batch has ended. A second call does nothing."""
        ...


class EveryJobCanceled(Exception):
    """Every job of the batch was canceled."""


class StepWatch:
    """Reports the progress of a batch to its jobs and checks, between steps, which of them were canceled.

    A report that fails must not fail the prediction: it is logged, and the batch goes on.

    Attributes:
        steps_run: how many steps are done.
    """

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs
        self._canceled: dict[int, Canceled] = {}
        self.steps_run = 0
        self.check_canceled(0)

    @property
    def canceled(self) -> Mapping[int, Canceled]:
        """How the canceled jobs ended, by their position in the batch."""
        return self._canceled

    @property
    def running(self) -> list[int]:
        """Positions of the jobs that were not canceled."""
        return [position for position in range(len(self._jobs)) if position not in self._canceled]

    def check_canceled(self, step: int) -> None:
        """Check whether each running job was canceled, after `step` steps."""
        for position in self.running:
            try:
                canceled = self._jobs[position].canceled()
            except Exception:
                log.exception("checking whether a job was canceled failed; the job goes on")
                continue
            if canceled:
                self._canceled[position] = Canceled(step)

    def stepped(self, step: int, steps: int) -> None:
        """Report `step` of `steps`.

        Raises:
            EveryJobCanceled: no job is left to run.
        """
        self.steps_run = step
        self.check_canceled(step)
        if not self.running:
            raise EveryJobCanceled
        for position in self.running:
            try:
                self._jobs[position].on_step(step, steps)
            except Exception:
                log.exception("reporting a step failed; the job goes on")
