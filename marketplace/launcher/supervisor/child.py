"""One running process: start, output and end."""

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
# Loaded here because a forked child may only make system calls.
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
        """Whether the process was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Prepare and start the process in a session of its own, so that Ctrl-C reaches only the supervisor.

        Raises:
            ProcessFailedError: the program does not exist or is not executable.
        """
        if self.spec.prepare is not None:
            await asyncio.to_thread(self.spec.prepare)
        self.last_lines.clear()
        read, write = os.pipe()
        output = _Output(read, self._log_line)
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
        """Wait for the end of the process, and kill what is left of its process group.

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
        """Send the stop signal, and kill the process group if the process has not ended after `stop_seconds`."""
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
        """Kill the process group at once."""
        if self.running:
            self._signal_group(signal.SIGKILL)

    def _signal_group(self, number: signal.Signals) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _log_line(self, line: str) -> None:
        self.last_lines.append(line)
        self._log.line(self.spec.name, line)


class _Output:
    """The reading end of the pipe for a process's output."""

    def __init__(self, descriptor: int, on_line: Callable[[str], None]) -> None:
        self._descriptor = descriptor
        self._on_line = on_line
        self._rest = b""
        os.set_blocking(descriptor, False)
        asyncio.get_running_loop().add_reader(descriptor, self._read)

    def close(self) -> None:
        """Read the rest. This does not wait for a grandchild that still holds the writing end."""
        while self._descriptor >= 0 and self._read():
            pass
        self._finish()

    def _read(self) -> bool:
        """Read once; true if there may be more."""
        try:
            data = os.read(self._descriptor, MAX_LINE_BYTES)
        except BlockingIOError:
            return False
        if not data:
            self._finish()
            return False
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._emit_line(line)
        if len(self._rest) >= MAX_LINE_BYTES:
            self._emit_line(self._rest)
            self._rest = b""
        return True

    def _emit_line(self, line: bytes) -> None:
        # Of a progress bar, which rewrites its line, only the last state is logged.
        self._on_line(line.rstrip(b"\r").rsplit(b"\r", 1)[-1].decode(errors="replace"))

    def _finish(self) -> None:
        if self._descriptor < 0:
            return
        if self._rest:
            self._emit_line(self._rest)
        asyncio.get_running_loop().remove_reader(self._descriptor)
        os.close(self._descriptor)
        self._descriptor = -1


def _dies_with_parent(number: signal.Signals) -> Callable[[], None]:
    """A function for the forked child that requests a signal for when the supervisor dies, even by SIGKILL.

    The kernel sends it when the forking thread ends, so processes are started from the main thread only.
    """
    parent = os.getpid()

    def request_death_signal() -> None:
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
            if os.getppid() != parent:  # the supervisor died before the request
                os._exit(1)

    return request_death_signal
