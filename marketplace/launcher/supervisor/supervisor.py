"""Starts a table of processes in order, keeps them running, and stops them all."""

import asyncio
import signal
import time
from collections.abc import Callable, Sequence
from graphlib import TopologicalSorter

from marketplace.launcher.supervisor.child import Child
from marketplace.launcher.supervisor.errors import ProcessFailedError
from marketplace.launcher.supervisor.log import Log
from marketplace.launcher.supervisor.spec import ProcessSpec

FIRST_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 1.0, 30.0  # seconds
STEADY_SECONDS = 60.0  # after this run time the back-off of a process starts anew
START_ATTEMPTS = 3  # for a process that ends before it was ready
FIRST_POLL_SECONDS, MAX_POLL_SECONDS = 0.05, 0.5  # between two readiness checks


class Supervisor:
    """Runs processes until Ctrl-C, SIGTERM or SIGHUP; a second signal kills them at once.

    Each process starts when the processes that it needs are ready, and stops after those that need it. One that ends by
    itself is started again, after a pause that doubles each time.
    """

    def __init__(
        self, specs: Sequence[ProcessSpec], *, log: Log, when_up: Callable[[], str | None] | None = None
    ) -> None:
        """
        Args:
            specs: the processes, in any order.
            log: receives all lines.
            when_up: called once when all required processes are ready; its text is printed without a prefix.

            Raises:
                ValueError: two processes have the same name, or `needs` names an unknown process.
                graphlib.CycleError: the needs form a cycle.
        """
        names = {spec.name for spec in specs}
        if len(names) != len(specs):
            raise ValueError("Two processes have the same name.")
        if unknown := {need for spec in specs for need in spec.needs} - names:
            raise ValueError(f"No such process: {', '.join(sorted(unknown))}")
        TopologicalSorter({spec.name: spec.needs for spec in specs}).prepare()
        self._specs = specs
        self._log = log
        self._when_up = when_up

    def run(self) -> None:
        """Run all processes, in the main thread; return after a stop signal, when all have ended.

        Raises:
            ProcessFailedError: a process did not become ready; the others are stopped.
        """
        asyncio.run(self._run())

    async def _run(self) -> None:
        self._children = {spec.name: Child(spec, self._log) for spec in self._specs}
        self._stop_requested = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._request_stop)
        tasks = [asyncio.create_task(self._run_child(child)) for child in self._children.values()]
        tasks.append(asyncio.create_task(self._announce()))
        stop_request = asyncio.create_task(self._stop_requested.wait())
        try:
            waiting: set[asyncio.Task[object]] = {stop_request, *tasks}
            while stop_request in waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()  # raises the error if a process could not be started or kept running
        finally:
            for task in (stop_request, *tasks):
                task.cancel()
            await asyncio.gather(stop_request, *tasks, return_exceptions=True)
            await self._stop_all()

    def _request_stop(self) -> None:
        if self._stop_requested.is_set():
            for child in self._children.values():
                child.kill()
            return
        self._log.info("Stopping; press Ctrl-C again to kill everything at once")
        self._stop_requested.set()

    async def _announce(self) -> None:
        for child in self._children.values():
            if child.spec.required:
                await child.ready.wait()
        if self._when_up is not None and (text := await asyncio.to_thread(self._when_up)):
            self._log.plain(text)

    async def _run_child(self, child: Child) -> None:
        for need in child.spec.needs:
            await self._children[need].ready.wait()
        if child.spec.once:
            await self._run_step(child)
        else:
            await self._serve(child)

    async def _run_step(self, child: Child) -> None:
        self._log.info(f"{child.spec.name}: started")
        started_at = time.monotonic()
        await child.start()
        status = await child.wait()
        if status == 0:
            self._log.info(f"{child.spec.name}: done in {time.monotonic() - started_at:.1f} s")
            child.ready.set()
        elif child.spec.required:
            raise ProcessFailedError(child.spec.name, f"failed ({_exit_text(status)})", list(child.last_lines))
        else:
            self._log.warn(f"{child.spec.name} failed ({_exit_text(status)}); everything else goes on without it")

    async def _serve(self, child: Child) -> None:
        name, pause, attempts = child.spec.name, FIRST_BACKOFF_SECONDS, 0
        while True:
            started_at = time.monotonic()
            self._log.info(f"{name}: starting")
            await child.start()
            attempts += 1
            end = asyncio.create_task(child.wait())
            try:
                if await self._becomes_ready(child, end):
                    self._log.info(f"{name}: ready after {time.monotonic() - started_at:.1f} s")
                    child.ready.set()
                elif not end.done():
                    what = f"was not ready within {child.spec.ready_seconds:g} s"
                    if not child.ready.is_set():
                        raise ProcessFailedError(name, what, list(child.last_lines))
                    self._log.warn(f"{name} {what} and is killed")
                    child.kill()
                status = await end
            finally:
                end.cancel()
            if not child.ready.is_set() and attempts == START_ATTEMPTS:
                what = f"ended {START_ATTEMPTS} times before it was ready ({_exit_text(status)})"
                raise ProcessFailedError(name, what, list(child.last_lines))
            if not child.spec.restart:
                self._log.warn(f"{name} ended ({_exit_text(status)})")
                return
            if time.monotonic() - started_at > STEADY_SECONDS:
                pause = FIRST_BACKOFF_SECONDS
            self._log.warn(f"{name} ended ({_exit_text(status)}); started again in {pause:g} s")
            await asyncio.sleep(pause)
            pause = min(2 * pause, MAX_BACKOFF_SECONDS)

    async def _becomes_ready(self, child: Child, end: "asyncio.Task[int]") -> bool:
        """Poll until the process is ready (True), or it has ended or the time limit is over (False)."""
        deadline = time.monotonic() + child.spec.ready_seconds
        poll_seconds = FIRST_POLL_SECONDS
        while not end.done():
            if child.spec.ready is None or await asyncio.to_thread(child.spec.ready):
                return not end.done()
            if time.monotonic() > deadline:
                return False
            await asyncio.wait({end}, timeout=poll_seconds)
            poll_seconds = min(1.5 * poll_seconds, MAX_POLL_SECONDS)
        return False

    async def _stop_all(self) -> None:
        """Stop each process after those that need it; independent processes stop at the same time."""
        stops: dict[str, asyncio.Task[None]] = {}

        async def stop(child: Child) -> None:
            needed_by = [stops[spec.name] for spec in self._specs if child.spec.name in spec.needs]
            if needed_by:
                await asyncio.wait(needed_by)
            await child.stop()

        stops.update({name: asyncio.create_task(stop(child)) for name, child in self._children.items()})
        await asyncio.gather(*stops.values())
        self._log.info("Stopped")


def _exit_text(status: int) -> str:
    return f"killed by signal {-status}" if status < 0 else f"exit status {status}"
