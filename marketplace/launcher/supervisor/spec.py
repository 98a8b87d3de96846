"""One row of the table of processes."""

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class ProcessSpec:
    """A process, when it may start, and how it is known to be up.

    Attributes:
        name: what it is called in the log and in messages.
        command: the program and its arguments.
        environment: variables in addition to the supervisor's own.
        needs: names of the processes that are ready before this one starts, and that stop after it.
        prepare: called before every start, in a thread.
        ready: whether it does its work; asked in a thread, several times a second, from the start until it says yes.
            None: it is ready once it runs.
        ready_seconds: how long that may take.
        once: a step, which is ready when it has ended with status 0.
        required: whether the failure of a step ends everything. A step that is not may also end after the others
            are up.
        restart: whether it is started again when it ends by itself.
        stop_signal: what tells it to end.
        stop_seconds: after which its whole process group is killed.
        death_signal: what it gets when the supervisor itself dies (Linux only).
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    prepare: Callable[[], None] | None = None
    ready: Callable[[], bool] | None = None
    ready_seconds: float = 120
    once: bool = False
    required: bool = True
    restart: bool = True
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10
    death_signal: signal.Signals = signal.SIGKILL
