"""Stops servers that still run after their supervisor was killed."""

import signal

import psutil

from marketplace.launcher.embedded.errors import EmbeddedError


class StillRunningError(EmbeddedError):
    """A server of an earlier start does not end."""

    def __init__(self, name: str, pid: int) -> None:
        super().__init__(f"The {name} of an earlier start (process {pid}) does not end. End it by: kill -9 {pid}")


def stop_leftover(name: str, pid: int | None, *, stop_signal: signal.Signals, seconds: float = 30) -> None:
    """Stop a server of an earlier start cleanly, so that the new one can use its data folder.

    It is not reused, because it is usually stopping already: it got its stop signal when its supervisor died.

    Raises:
        StillRunningError: it has not ended within `seconds`.
    """
    if pid is None:
        return
    try:
        process = psutil.Process(pid)
        process.send_signal(stop_signal)
        process.wait(timeout=seconds)
    except psutil.NoSuchProcess:
        return
    except psutil.TimeoutExpired:
        raise StillRunningError(name, pid) from None
