"""Starts a market, measures it and the compared systems, prints the table and saves it as JSON."""

import asyncio
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import uvloop

from tests.bench import rows
from tests.bench.disk import sync_milliseconds
from tests.bench.echo import write_model
from tests.bench.processes import ROOT, THREADS, Market, market, server, worker
from tests.bench.report import Report, Row
from tests.bench.systems import Bourse

RESULTS = ROOT / "bench-results"
ECHO = "lumen/echo"


class LedgerMismatch(Exception):
    """The ledger does not match the acknowledged predictions."""


def main() -> None:
    started = time.monotonic()
    report = Report()
    home = RESULTS / f"home-{os.getpid()}"  # beside the default home, to be on the same disk
    home.mkdir(parents=True)
    logs = home / "logs"
    logs.mkdir()
    report.facts["load_before"] = os.getloadavg()
    report.facts["threads"] = THREADS
    try:
        report.add(Row("fdatasync of 4 KB", sync_milliseconds(home), "ms", "median of 50, on the disk of the market"))
        with market(home) as running:
            keys = publish_echo(running)
            uvloop.run(measure(report, running, keys, logs))
    finally:
        shutil.rmtree(home, ignore_errors=True)
    report.facts["load_after"] = os.getloadavg()
    report.facts["seconds"] = round(time.monotonic() - started, 1)
    print(f"Kept as {report.write(RESULTS).relative_to(ROOT)}; it took {report.facts['seconds']:.0f} s")


def publish_echo(running: Market) -> list[str]:
    """Publish the echo model, and return the API keys of sixteen new buyers."""
    folder = running.home / "echo"
    write_model(folder)
    running.command("manage.py", "publish", str(folder), "--as", ECHO, "--price", "0.0001")
    keys: list[str] = running.ask("buyers", str(rows.CALLERS))
    return keys


async def measure(report: Report, running: Market, keys: list[str], logs: Path) -> None:
    hero, workhorse, *_ = running.demo["models"]
    bourse = Bourse(running.port)
    try:
        with server("tests.bench.litserve_echo", log=logs / "litserve-echo") as port:
            await rows.echo(report, bourse, model=ECHO, keys=keys, litserve_port=port)
        await asyncio.to_thread(check_ledger, report, running, bourse.acknowledged)
        folder = str(rows.demo_folder("workhorse"))
        with worker("tests.bench.bare", folder, log=logs / "bare-workhorse") as bare:
            await rows.added(report, bourse, model=workhorse, key=keys[0], bare=bare)
        folder = str(rows.demo_folder("hero"))
        with (
            worker("tests.bench.bare", folder, log=logs / "bare-hero") as bare,
            server("tests.bench.litserve_pictures", folder, log=logs / "litserve-pictures") as port,
        ):
            await rows.pictures(report, bourse, model=hero, key=keys[0], bare=bare, litserve_port=port)
        report.facts["mean_batch"] = running.ask("batch", hero)
    finally:
        bourse.close()


def check_ledger(report: Report, running: Market, acknowledged: Mapping[str, int]) -> None:
    """Check that every acknowledged prediction of the echo model was settled once, and that the ledger balances.

    Raises:
        LedgerMismatch: otherwise.
    """
    books: dict[str, Any] = running.ask("settled", ECHO)
    report.facts["books"] = books | {"acknowledged": acknowledged[ECHO]}
    if books != {"settled": acknowledged[ECHO], "balanced": True}:
        raise LedgerMismatch(f"{acknowledged[ECHO]} predictions were acknowledged; the ledger says {books}")
    print(f"  {books['settled']} predictions acknowledged, as many settled, and the ledger is balanced", flush=True)


if __name__ == "__main__":
    main()
