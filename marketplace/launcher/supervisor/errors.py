"""The errors that end a start."""

from collections.abc import Sequence


class SupervisorError(RuntimeError):
    """A process cannot be started or kept running. The message has its name, the reason and its last output."""


class ProcessFailedError(SupervisorError):
    """A required process has not become ready."""

    def __init__(self, name: str, what: str, last_lines: Sequence[str]) -> None:
        said = "\n".join(f"  {line}" for line in last_lines) if last_lines else "  (it said nothing)"
        super().__init__(f"{name} {what}. Its last lines:\n{said}")
