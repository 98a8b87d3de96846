"""The description of one process."""

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class ProcessSpec:
    """A process: its command, dependencies and readiness check.

    Attributes:
        name: its name in the log and in messages.
        command: the program and its arguments.
        environment: variables in addition to the supervisor's own.
        needs: names of the processes that must be ready before this one starts, and that stop after it.
        prepare: called before every start, in a thread.
        ready: the readiness check; called in a thread, several times a second, until it returns true. None: the
            process is ready once it runs.
        ready_seconds: the time limit for becoming ready.
        once: true for a step, which is ready when it has ended with status 0.
        required: whether the failure of a step ends everything. A step that is not required may also end after
            the other processes are ready.
        restart: whether it is started again when it ends by itself.
        stop_signal: the signal that asks it to end.
        stop_seconds: the time after which its process group is killed.
        death_signal: the signal that it gets when the supervisor dies (Linux only).
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
