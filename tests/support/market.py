"""A whole market, started by `manage.py up`, for end-to-end tests."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from marketplace.launcher.embedded.home import Home
from tests.support.services import OUTSIDE, ROOT, wait_until

OWN = (*OUTSIDE, "BOURSE_HOME", "DATABASE_NAME", "LOG_LEVEL", "PYTEST_XDIST_WORKER")


@dataclass
class Market:
    """A running market.

    Attributes:
        demo: the content of its demo.json.
        supervisor: the process of `manage.py up`.
    """

    base_url: str
    home: Path
    demo: dict[str, Any]
    supervisor: "subprocess.Popen[bytes]"

    def log(self) -> str:
        return (self.home / "up.log").read_text(errors="replace")

    def connect(self) -> "psycopg.Connection[Any]":
        """A connection to its database as the superuser."""
        url = Home(self.home).postgres_url(user="postgres", database="bourse")
        return psycopg.connect(url, autocommit=True)

    def publish(self, folder: Path, slug: str, *, price: str = "0.002") -> str:
        """Publish a folder as `slug` with `manage.py publish`; returns the slug."""
        inherited = {name: value for name, value in os.environ.items() if name not in OWN}
        subprocess.run(
            [sys.executable, "manage.py", "publish", str(folder), "--as", slug, "--price", price],
            cwd=ROOT,
            env=inherited | {"BOURSE_HOME": str(self.home), "PORT": self.base_url.rsplit(":", 1)[1]},
            check=True,
            capture_output=True,
        )
        return slug

    def is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.base_url}/healthz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def history_is_made(self) -> bool:
        return "history: done" in self.log()


@contextmanager
def start_market(home: Path, **environment: str) -> Iterator[Market]:
    """Start a market in an empty home, wait until its demo history is made, and stop it by SIGINT."""
    port = free_port()
    inherited = {name: value for name, value in os.environ.items() if name not in OWN}
    # One thread: tests run in parallel, and threads of several nodes would compete.
    inherited |= {"BOURSE_HOME": str(home), "PORT": str(port), "NODE_THREADS": "1"} | environment
    with (home / "up.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up"],
            cwd=ROOT,
            env=inherited,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    market = Market(f"http://localhost:{port}", home, {}, process)
    try:
        wait_until(lambda: process.poll() is not None or market.is_healthy(), "the market's health", seconds=300)
        assert process.poll() is None, market.log()
        wait_until(market.history_is_made, "the demo's history", seconds=400)
        market.demo = json.loads((home / "demo.json").read_text())
        yield market
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=90)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
