"""Why a start is given up."""

from collections.abc import Sequence


class SupervisorError(RuntimeError):
    """The processes cannot be started or kept running. The message says which, why, and what it last said."""


class ProcessFailedError(SupervisorError):
    """A process that the others need has not come up."""

    def __init__(self, name: str, what: str, last_lines: Sequence[str]) -> None:
        said = "\n".join(f"  {line}" for line in last_lines) if last_lines else "  (it said nothing)"
        super().__init__(f"{name} {what}. Its last lines:\n{said}")
