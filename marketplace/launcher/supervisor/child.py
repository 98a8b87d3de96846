"""One running process: its start, its output, its end."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections import deque
from collections.abc import Callable

from marketplace.launcher.supervisor.errors import ProcessFailedError
from marketplace.launcher.supervisor.log import Log
from marketplace.launcher.supervisor.spec import ProcessSpec

LAST_LINES = 15
MAX_LINE_BYTES = 64 * 1024
_PR_SET_PDEATHSIG = 1
# Loaded here rather than in the forked child, which may only make system calls.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class Child:
    """The process of a spec, at most one at a time."""

    def __init__(self, spec: ProcessSpec, log: Log) -> None:
        self.spec = spec
        self.ready = asyncio.Event()
        self.last_lines: deque[str] = deque(maxlen=LAST_LINES)
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._output: _Output | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Prepares and starts it, in a session of its own, so that Ctrl-C reaches the supervisor alone.

        Raises:
            ProcessFailedError: there is no such program, or it may not be run.
        """
        if self.spec.prepare is not None:
            await asyncio.to_thread(self.spec.prepare)
        self.last_lines.clear()
        read, write = os.pipe()
        output = _Output(read, self._hear)
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self.spec.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=write,
                stderr=write,
                env={**os.environ, **self.spec.environment},
                start_new_session=True,
                preexec_fn=_dies_with_parent(self.spec.death_signal),
            )
        except OSError as error:
            output.close()
            raise ProcessFailedError(self.spec.name, f"cannot be started ({error})", []) from error
        except BaseException:
            output.close()
            raise
        finally:
            os.close(write)
        self._output = output

    async def wait(self) -> int:
        """Waits for its end, and ends whatever it has left behind in its process group.

        Returns:
            its exit status, or the negative number of the signal that killed it.
        """
        assert self._process is not None
        status = await self._process.wait()
        if self._output is not None:
            self._signal_group(signal.SIGKILL)
            self._output.close()
            self._output = None
        return status

    async def stop(self) -> None:
        """Tells it to end, and kills its process group if it has not after `stop_seconds`."""
        if self._process is None:
            return
        if self.running:
            self._process.send_signal(self.spec.stop_signal)
            try:
                await asyncio.wait_for(self._process.wait(), self.spec.stop_seconds)
            except TimeoutError:
                self._log.warn(f"{self.spec.name} did not stop within {self.spec.stop_seconds:g} s and is killed")
                self.kill()
        await self.wait()

    def kill(self) -> None:
        """Kills its process group at once."""
        if self.running:
            self._signal_group(signal.SIGKILL)

    def _signal_group(self, number: signal.Signals) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _hear(self, line: str) -> None:
        self.last_lines.append(line)
        self._log.line(self.spec.name, line)


class _Output:
    """The reading end of the pipe that a process writes its output to."""

    def __init__(self, descriptor: int, hear: Callable[[str], None]) -> None:
        self._descriptor = descriptor
        self._hear = hear
        self._rest = b""
        os.set_blocking(descriptor, False)
        asyncio.get_running_loop().add_reader(descriptor, self._read)

    def close(self) -> None:
        """Reads what is left. A grandchild that still holds the other end is not waited for."""
        while self._descriptor >= 0 and self._read():
            pass
        self._finish()

    def _read(self) -> bool:
        """Reads once; says whether there may be more."""
        try:
            data = os.read(self._descriptor, MAX_LINE_BYTES)
        except BlockingIOError:
            return False
        if not data:
            self._finish()
            return False
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._tell(line)
        if len(self._rest) >= MAX_LINE_BYTES:
            self._tell(self._rest)
            self._rest = b""
        return True

    def _tell(self, line: bytes) -> None:
        # Of a progress bar, which returns to the line's start again and again, only the last state is told.
        self._hear(line.rstrip(b"\r").rsplit(b"\r", 1)[-1].decode(errors="replace"))

    def _finish(self) -> None:
        if self._descriptor < 0:
            return
        if self._rest:
            self._tell(self._rest)
        asyncio.get_running_loop().remove_reader(self._descriptor)
        os.close(self._descriptor)
        self._descriptor = -1


def _dies_with_parent(number: signal.Signals) -> Callable[[], None]:
    """What a forked child does so that it gets a signal when the supervisor dies, be it by kill -9.

    The kernel watches the thread that forked, so processes are started from the main thread only.
    """
    parent = os.getpid()

    def arrange() -> None:
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
            if os.getppid() != parent:  # it died before the kernel was told
                os._exit(1)

    return arrange
