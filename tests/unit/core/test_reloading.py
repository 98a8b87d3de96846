"""`manage.py up --reload`: who is started anew when a source changes."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

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
    """A watcher over a folder, of a command that writes a line each time it is started: the source and the log."""
    source, log = tmp_path / "sources" / "one.py", tmp_path / "starts"
    source.parent.mkdir()
    source.write_text("first = 1\n")
    script = f"import time; open({str(log)!r}, 'a').write('started\\n'); time.sleep(60)"
    command = watching((sys.executable, "-c", script), str(source.parent), only="python")
    process = subprocess.Popen(command)
    yield source, log
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0


def test_a_change_starts_the_command_anew(watched: tuple[Path, Path]) -> None:
    source, log = watched
    _until(log, starts=1)
    (source.parent / "notes.txt").write_text("no source")
    changes = 0
    deadline = time.monotonic() + 30
    # The watcher looks a moment after it has started the command; what changed before is not seen.
    while log.read_text().count("started") < 2:
        assert time.monotonic() < deadline
        changes += 1
        source.write_text(f"first = {changes}\n")
        time.sleep(0.3)


def _until(log: Path, *, starts: int) -> None:
    deadline = time.monotonic() + 30
    while not log.exists() or log.read_text().count("started") < starts:
        assert time.monotonic() < deadline
        time.sleep(0.05)
