"""The adapter of the echo task."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

from inference.runtime.adapters.base import Job, Output
from inference.runtime.adapters.registry import register
from inference.runtime.device import Device


@register
class Echo:
    """Answers each job with its own text."""

    task: ClassVar[str] = "echo"
    pipeline_classes: ClassVar[frozenset[str]] = frozenset({"EchoPipeline"})

    @classmethod
    def load(cls, folder: Path, device: Device) -> Self:
        return cls()

    def run(self, jobs: Sequence[Job]) -> list[list[Output] | Exception]:
        return [[Output(job.inputs["text"].encode(), "text/plain", None, None)] for job in jobs]

    def weight_bytes(self) -> int:
        return 4

    def close(self) -> None:
        """There is nothing to free."""
