"""The table of processes for people who change the sources: what changed is built and started anew."""

import dataclasses
import shlex
import signal
import sys
from collections.abc import Iterable
from pathlib import Path

from marketplace.launcher.supervisor import ProcessSpec

ROOT = Path(__file__).resolve().parents[2]
PYTHON = tuple(str(ROOT / folder) for folder in ("marketplace", "providers", "billing", "inference"))
PAGES = (str(ROOT / "templates"), str(ROOT / "marketplace" / "frontend"))
COLLECTED = ROOT / "staticfiles"  # its manifest is written last, so that web starts anew with all of them
STOP_SECONDS = 20
RELOADED = ("node", "platform", "beat")


def with_reload(specs: Iterable[ProcessSpec]) -> list[ProcessSpec]:
    """The same processes, each under a watcher that starts it anew; and one more, which builds scripts and styles."""
    return [*map(_reloaded, specs), _assets()]


def _reloaded(spec: ProcessSpec) -> ProcessSpec:
    if spec.name == "web":
        folders = [option for folder in (*PYTHON, PAGES[0], str(COLLECTED)) for option in ("--reload-dir", folder)]
        patterns = ["--reload-include", "*.html", "--reload-include", "staticfiles.json"]
        return _watched(spec, (*spec.command, "--reload", *folders, *patterns))
    if spec.name in RELOADED:
        return _watched(spec, watching(spec.command, *PYTHON, only="python"))
    return spec


def _assets() -> ProcessSpec:
    """`make` knows what is up to date; the watcher calls it at its start, and whenever a source changes."""
    command = ("make", "--silent", "-C", str(ROOT), "staticfiles/.stamp")
    return _watched(ProcessSpec(name="assets", command=()), watching(command, *PAGES, only="all"))


def _watched(spec: ProcessSpec, command: tuple[str, ...]) -> ProcessSpec:
    # A watcher that were killed at once would leave its process behind.
    return dataclasses.replace(spec, command=command, death_signal=signal.SIGTERM, stop_seconds=STOP_SECONDS + 5)


def watching(command: tuple[str, ...], *folders: str, only: str) -> tuple[str, ...]:
    """The command under a watcher, which starts it anew when files of the folders change: `python` or `all`."""
    options = ("--filter", only, "--sigint-timeout", str(STOP_SECONDS), "--target-type", "command")
    return (sys.executable, "-m", "watchfiles", *options, shlex.join(command), *folders)
