"""What an adapter is: one loaded model version that turns the inputs of a task into outputs."""

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
        step: how many steps had been run; 0 means that nothing had.
    """

    def __init__(self, step: int) -> None:
        super().__init__(f"Canceled after step {step}.")
        self.step = step


class JobFailed(Exception):
    """This job can't be done; the message is written for the buyer."""


class AdapterClosed(Exception):
    """The model was unloaded before the job began; load it and run the job again."""


@dataclass(frozen=True)
class Output:
    """One produced file. Width and height are in pixels, `None` for what has none.

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
    """A result that is no file, such as a score: what JSON can say."""

    data: Any


@dataclass(frozen=True)
class Job:
    """One prediction to run.

    Attributes:
        inputs: validated against the task's schema and complete with its defaults.
        on_step: called with (steps done, steps in all) after each step, on the thread that runs the batch.
        canceled: asked between steps; once it says yes, the job gets no more reports and no outputs.
        files: the bytes of the inputs that are files, by field.
    """

    inputs: Mapping[str, Any]
    on_step: Callable[[int, int], None]
    canceled: Callable[[], bool]
    files: Mapping[str, bytes] = field(default_factory=dict)


# How a job of a batch ended: with files, with a value, or alone with an exception.
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
        """Read the weights in `folder` onto `device`, without the network."""
        ...

    def run(self, jobs: Sequence[Job]) -> list[Ending]:
        """Run the jobs as one batch; the answer has their length and order.

        A job that ended alone has its exception in its place: `Canceled`, or `JobFailed`. What ends them all is raised.
        """
        ...

    def weight_bytes(self) -> int:
        """Bytes that the weights take on the device."""
        ...

    def close(self) -> None:
        """Give the memory back, after a running batch has ended. A second call does nothing."""
        ...


class EveryJobCanceled(Exception):
    """Nobody waits for the batch any more."""


class StepWatch:
    """Tells the jobs of a batch how far it is and learns, between steps, which of them were canceled.

    A report that fails must not cost the buyer the picture: it is logged, and the batch goes on.

    Attributes:
        steps_run: how many steps are done.
    """

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs
        self._canceled: dict[int, Canceled] = {}
        self.steps_run = 0
        self.look(0)

    @property
    def canceled(self) -> Mapping[int, Canceled]:
        """How the canceled jobs ended, by their position in the batch."""
        return self._canceled

    @property
    def running(self) -> list[int]:
        """Positions of the jobs that are still wanted."""
        return [position for position in range(len(self._jobs)) if position not in self._canceled]

    def look(self, step: int) -> None:
        """Ask each running job whether it was canceled, `step` steps being done."""
        for position in self.running:
            try:
                canceled = self._jobs[position].canceled()
            except Exception:
                log.exception("asking whether a job was canceled failed; it goes on")
                continue
            if canceled:
                self._canceled[position] = Canceled(step)

    def stepped(self, step: int, steps: int) -> None:
        """Report `step` of `steps`.

        Raises:
            EveryJobCanceled: no job is left to run for.
        """
        self.steps_run = step
        self.look(step)
        if not self.running:
            raise EveryJobCanceled
        for position in self.running:
            try:
                self._jobs[position].on_step(step, steps)
            except Exception:
                log.exception("reporting a step failed; the job goes on")
