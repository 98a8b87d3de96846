"""Servers that an earlier supervisor left behind when it was killed."""

import signal

import psutil

from marketplace.launcher.embedded.errors import EmbeddedError


class StillRunningError(EmbeddedError):
    """A server of an earlier start neither answers nor ends."""

    def __init__(self, name: str, pid: int) -> None:
        super().__init__(f"The {name} of an earlier start (process {pid}) does not end. End it by: kill -9 {pid}")


def end(name: str, pid: int | None, *, stop_signal: signal.Signals, seconds: float = 30) -> None:
    """Ends a server of an earlier start in good order, so that the new one can take its data folder over.

    It is ended rather than kept, because most often it is ending already: it was told to when its supervisor died.

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
