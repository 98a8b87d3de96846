"""Starts and stops the measured systems, each in a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# Variables that would point the market to external services.
OUTSIDE = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "CELERY_BROKER_URL", "STORAGE_URL", "BASE_URL", "HOST")
THREADS = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


@dataclass(frozen=True)
class Market:
    """The market that is measured.

    Attributes:
        environment: the environment of its processes.
        demo: the content of its demo.json.
    """

    port: int
    home: Path
    environment: Mapping[str, str]
    demo: Mapping[str, Any]

    def ask(self, command: str, argument: str) -> Any:
        """The answer of a command of `tests.bench.market_commands`."""
        return json.loads(self.command("-m", "tests.bench.market_commands", command, argument))

    def command(self, *arguments: str) -> str:
        """Run Python with these arguments in the market's environment and return what it prints."""
        run = subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, env=dict(self.environment), capture_output=True, text=True
        )
        if run.returncode != 0:
            raise RuntimeError(f"{' '.join(arguments)} failed:\n{run.stdout}{run.stderr}")
        return run.stdout


@contextmanager
def market(home: Path) -> Iterator[Market]:
    """A whole market with its demo, as `make run` starts it, in an empty home."""
    port = free_port()
    environment = common_environment() | {
        "BOURSE_HOME": str(home),
        "PORT": str(port),
        "EXTRA_TASKS": "tests.bench.echo",
    }
    log = home / "bench.log"
    with process([sys.executable, "manage.py", "up"], environment, log=log) as supervisor:
        healthy = f"http://127.0.0.1:{port}/healthz"
        wait_until(lambda: answers(healthy) and "history: done" in log.read_text(), "the market", supervisor, log)
        yield Market(port, home, environment, json.loads((home / "demo.json").read_text()))


@contextmanager
def server(module: str, *arguments: str, log: Path) -> Iterator[int]:
    """A LitServe server, run as `python -m module PORT arguments…`; gives its port."""
    port = free_port()
    command = [sys.executable, "-m", module, str(port), *arguments]
    with process(command, common_environment(), log=log) as started:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/health"), module, started, log)
        yield port


@contextmanager
def worker(module: str, *arguments: str, log: Path) -> Iterator[Callable[[Mapping[str, Any]], Any]]:
    """A process that answers one JSON line on its standard output for each that it reads."""
    command = [sys.executable, "-m", module, *arguments]
    with process(command, common_environment(), log=log, piped=True) as started:

        def ask(request: Mapping[str, Any]) -> Any:
            assert started.stdin is not None
            assert started.stdout is not None
            started.stdin.write(json.dumps(request).encode() + b"\n")
            started.stdin.flush()
            line = started.stdout.readline()
            if not line:
                raise RuntimeError(f"{module} ended:\n{log.read_text()}")
            return json.loads(line)

        yield ask


@contextmanager
def process(
    command: Sequence[str], environment: Mapping[str, str], *, log: Path, piped: bool = False
) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that is stopped by SIGINT."""
    with log.open("wb") as output:
        started = subprocess.Popen(
            list(command),
            cwd=ROOT,
            env=dict(environment),
            stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
            stdout=subprocess.PIPE if piped else output,
            stderr=output,
            start_new_session=True,
        )
        try:
            yield started
        finally:
            started.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                started.wait(timeout=60)
            with suppress(ProcessLookupError):  # expected: nothing of its session is left
                os.killpg(started.pid, signal.SIGKILL)
            started.wait()


def common_environment() -> dict[str, str]:
    """The same environment, with the same number of threads, for all compared systems."""
    inherited = {name: value for name, value in os.environ.items() if name not in OUTSIDE}
    threads = str(THREADS)
    return inherited | {
        "OMP_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "HF_HUB_OFFLINE": "1",
        "PYTHONUNBUFFERED": "1",
    }


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def wait_until(
    condition: Callable[[], bool], what: str, started: "subprocess.Popen[bytes]", log: Path, *, seconds: float = 180
) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if started.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{what} did not start:\n{log.read_text(errors='replace')[-4000:]}")
        time.sleep(0.1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
