"""`manage.py up --reload`: who is started anew when a source changes."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from marketplace.launcher.processes import market
from marketplace.launcher.reloading import watching, with_reload


def test_every_process_that_runs_our_code_is_watched_and_steps_stay_as_they_are() -> None:
    plain = {spec.name: spec for spec in market(demo=True)}
    reloaded = {spec.name: spec for spec in with_reload(plain.values())}

    assert reloaded.keys() - plain.keys() == {"assets"}
    assert {name for name in plain if reloaded[name] != plain[name]} == {"web", "node", "platform", "beat"}
    assert {name for name in plain if plain[name].once} == {name for name in plain if reloaded[name] == plain[name]}


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """A watcher over a folder, of a command that writes its process id when it is started: the source and the log."""
    source, log = tmp_path / "sources" / "one.py", tmp_path / "starts"
    source.parent.mkdir()
    source.write_text("first = 1\n")
    script = f"import os, time; open({str(log)!r}, 'a').write(f'{{os.getpid()}}\\n'); time.sleep(60)"
    command = watching((sys.executable, "-c", script), str(source.parent), only="python")
    process = subprocess.Popen(command)
    yield source, log
    process.send_signal(signal.SIGTERM)
    # A watcher that is told to stop while it starts the command anew ends as interrupted, after it has stopped it.
    assert process.wait(timeout=30) in (0, -signal.SIGINT)
    assert [pid for pid in _started(log) if psutil.pid_exists(pid)] == []


def test_a_change_starts_the_command_anew(watched: tuple[Path, Path]) -> None:
    source, log = watched
    _until(log, starts=1)
    (source.parent / "notes.txt").write_text("no source")
    changes = 0
    deadline = time.monotonic() + 30
    # The watcher looks a moment after it has started the command; what changed before is not seen.
    while len(_started(log)) < 2:
        assert time.monotonic() < deadline
        changes += 1
        source.write_text(f"first = {changes}\n")
        time.sleep(0.3)


def _until(log: Path, *, starts: int) -> None:
    deadline = time.monotonic() + 30
    while len(_started(log)) < starts:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _started(log: Path) -> list[int]:
    return [int(line) for line in log.read_text().splitlines()] if log.exists() else []
