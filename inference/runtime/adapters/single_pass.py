"""The common base of one-step adapters: loading, one batch at a time, cancelling before the step."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import torch

from inference.runtime.adapters.base import (
    AdapterClosed,
    Ending,
    EveryJobCanceled,
    Job,
    JobFailed,
    StepWatch,
)
from inference.runtime.device import Device
from inference.runtime.loading import load_model, module_bytes

OVERFLOWED = "The model's numbers overflowed on this picture, so there is no result."


class SinglePass(ABC):
    """A model that needs one forward pass.

    Subclasses set `model_class` and implement `answer`.
    """

    model_class: ClassVar[Any]

    def __init__(self, model: Any, folder: Path, device: Device) -> None:
        self.device = device
        self._model = model
        self._weight_bytes = module_bytes([model])
        self._lock = threading.Lock()
        self.prepare(folder)

    @classmethod
    def load(cls, folder: Path, device: Device) -> Self:
        """Load the weights in `folder` onto `device`, without using the network.

        Raises:
            FolderInvalid: the folder is not of this task's class.
        """
        return cls(load_model(cls.model_class, folder, device), folder, device)

    def prepare(self, folder: Path) -> None:  # noqa: B027  # most folders hold nothing else
        """Load what the folder holds besides the model."""

    @abstractmethod
    def answer(self, model: Any, jobs: Sequence[Job]) -> list[Ending]:
        """The ending of each job, in order."""

    def run(self, jobs: Sequence[Job]) -> list[Ending]:
        """Run the jobs as one batch.

        Raises:
            AdapterClosed: the model was unloaded before the batch began.
        """
        with self._lock:
            if self._model is None:
                raise AdapterClosed("The model was unloaded before the batch began; load it again.")
            watch = StepWatch(jobs)
            wanted = watch.running
            endings: list[Ending] = []
            if wanted:
                with torch.inference_mode():
                    endings = self.answer(self._model, [jobs[position] for position in wanted])
                try:
                    watch.stepped(1, 1)
                except EveryJobCanceled:
                    endings = []
        by_position = dict(zip(wanted, endings, strict=False))
        return [watch.canceled.get(position) or by_position[position] for position in range(len(jobs))]

    def weight_bytes(self) -> int:
        """Bytes that the weights take on the device."""
        return self._weight_bytes

    def close(self) -> None:
        """Free the memory, after a running batch has ended. A second call does nothing."""
        with self._lock:
            self._model = None
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def is_finite(values: torch.Tensor) -> bool:
    """Whether no value of a result is NaN or infinite."""
    return bool(torch.isfinite(values).all())


def overflow() -> JobFailed:
    """The ending of a job whose result has NaN or infinite values."""
    return JobFailed(OVERFLOWED)
