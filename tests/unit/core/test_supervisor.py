"""The supervisor as a process: tests send it signals and read its log."""

import io
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from marketplace.launcher.supervisor import (
    HomeTakenError,
    Log,
    PortTakenError,
    ProcessSpec,
    Supervisor,
    claim_home,
    claim_port,
)

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = """
import os, signal, sys, time
from pathlib import Path
from marketplace.launcher.supervisor import Log, ProcessSpec, Supervisor, SupervisorError, claim_home
here = Path(sys.argv[1])
def shell(name, text, **options):
    return ProcessSpec(name=name, command=("sh", "-c", text), **options)
specs = [{table}]
try:
    with claim_home(here / "home", site="http://localhost:1"):
        Supervisor(specs, log=Log(spec.name for spec in specs), when_up=lambda: "all is up").run()
except SupervisorError as error:
    sys.exit(str(error))
"""


class Started:
    """A supervisor in a process of its own, with a folder for the files that its processes write."""

    def __init__(self, folder: Path, table: str) -> None:
        self.folder = folder
        self.output = folder / "output"
        script = folder / "script.py"
        script.write_text(SCRIPT.replace("{table}", table))
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(script), str(folder)],
                cwd=folder,
                stdout=output,
                stderr=output,
                env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )

    @property
    def text(self) -> str:
        return self.output.read_text()

    def until(self, condition: Callable[[], bool], seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.text
            time.sleep(0.02)

    def says(self, text: str) -> None:
        self.until(lambda: text in self.text)

    def pid(self, name: str) -> int:
        """The process id that a child wrote into the file `name`."""
        file = self.folder / name
        self.until(lambda: file.exists() and file.read_text().strip() != "")
        return int(file.read_text())

    def ends(self, status: int) -> None:
        assert self.process.wait(20) == status, self.text


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], Started]]:
    started: list[Started] = []

    def run(table: str) -> Started:
        started.append(Started(tmp_path, table))
        return started[-1]

    yield run
    for one in started:
        one.process.kill()
        one.process.wait()


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_processes_start_when_what_they_need_is_ready_and_stop_in_reverse(start):
    run = start("""
        shell("web", "echo web >> order; trap 'echo web-stops >> order; exit' TERM; while :; do sleep 0.05; done",
              needs=("migrate",)),
        shell("migrate", "echo migrate >> order", needs=("database",), once=True),
        shell("database", "sleep 0.3; echo database >> order; touch is-up;"
              " trap 'echo database-stops >> order; exit' TERM; while :; do sleep 0.05; done",
              ready=lambda: (here / "is-up").exists()),
    """)
    run.says("all is up")
    order = run.folder / "order"
    run.until(lambda: "web" in order.read_text())
    time.sleep(0.2)  # until the shell has set its trap
    run.process.send_signal(signal.SIGINT)
    run.ends(0)
    assert order.read_text().split() == ["database", "migrate", "web", "web-stops", "database-stops"]


def test_every_line_is_prefixed_except_the_startup_message(start):
    run = start("""shell("a-long-name", "echo one; echo two >&2; printf rest; exec sleep 100"), """)
    run.says("all is up")
    run.says("two")
    run.process.terminate()
    run.ends(0)
    lines = run.text.splitlines()
    assert "all is up" in lines
    assert [line for line in lines if line.startswith("a-long-name")] == [
        "a-long-name | one",
        "a-long-name | two",
        "a-long-name | rest",
    ]
    assert lines[-1] == "bourse      | Stopped"


def test_a_killed_process_is_started_again(start):
    run = start("""shell("node", "echo $$ > node.pid; exec sleep 100"), """)
    first = run.pid("node.pid")
    run.says("all is up")
    os.kill(first, signal.SIGKILL)
    run.says("node ended (killed by signal 9); started again in 1 s")
    run.until(lambda: run.pid("node.pid") != first)
    run.process.terminate()
    run.ends(0)


def test_a_process_that_ignores_the_stop_signal_is_killed_with_its_group(start):
    run = start("""
        shell("stubborn", "trap '' TERM; sleep 1000 & echo $! > grandchild.pid; while :; do sleep 0.1; done",
              stop_seconds=0.3),
    """)
    grandchild = run.pid("grandchild.pid")
    run.says("all is up")
    run.process.send_signal(signal.SIGINT)
    run.ends(0)
    assert "stubborn did not stop within 0.3 s and is killed" in run.text
    assert gone(grandchild)


def test_a_second_ctrl_c_kills_at_once(start):
    run = start("""shell("stubborn", "trap '' TERM; echo $$ > pid; while :; do sleep 0.1; done", stop_seconds=100), """)
    pid = run.pid("pid")
    run.says("all is up")
    run.process.send_signal(signal.SIGINT)
    run.says("press Ctrl-C again")
    run.process.send_signal(signal.SIGINT)
    run.ends(0)
    assert gone(pid)


def test_a_process_that_never_becomes_ready_stops_everything(start):
    run = start("""
        shell("database", "echo $$ > database.pid; exec sleep 100"),
        shell("web", "echo cannot find the key; exec sleep 100", needs=("database",), ready=lambda: False,
              ready_seconds=0.5),
    """)
    run.ends(1)
    assert "web was not ready within 0.5 s. Its last lines:\n  cannot find the key\n" in run.text
    assert gone(run.pid("database.pid"))


def test_a_process_that_keeps_ending_before_it_is_ready_fails_the_start(start):
    run = start("""shell("web", "echo no module; exit 4", ready=lambda: False), """)
    run.ends(1)
    assert "web ended 3 times before it was ready (exit status 4). Its last lines:\n  no module\n" in run.text


def test_a_step_that_fails_ends_everything_unless_it_is_not_required(start):
    run = start("""
        shell("web", "exec sleep 100"),
        shell("history", "exit 3", needs=("web",), once=True, required=False),
    """)
    run.says("history failed (exit status 3); everything else goes on without it")
    run.says("all is up")
    run.process.terminate()
    run.ends(0)
    run = start("""shell("migrate", "echo no such column; exit 3", once=True), """)
    run.ends(1)
    assert "migrate failed (exit status 3). Its last lines:\n  no such column\n" in run.text


def test_a_program_that_is_not_there_is_named(start):
    run = start("""ProcessSpec(name="web", command=("/no/such/program",)), """)
    run.ends(1)
    assert "web cannot be started" in run.text
    assert "/no/such/program" in run.text


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's death")
def test_children_die_with_a_killed_supervisor_and_its_lock_is_released(start):
    run = start("""
        shell("web", "echo $$ > web.pid; exec sleep 100"),
        shell("deaf", "trap '' TERM INT; echo $$ > deaf.pid; while :; do sleep 0.1; done"),
    """)
    pids = [run.pid("web.pid"), run.pid("deaf.pid")]
    run.says("all is up")
    run.process.kill()
    run.process.wait()
    run.until(lambda: all(map(gone, pids)))
    with claim_home(run.folder / "home", site="http://localhost:2"):
        pass


def test_a_second_start_names_the_running_process_and_its_url(start, tmp_path):
    run = start("""shell("web", "exec sleep 100"), """)
    run.says("all is up")
    with (
        pytest.raises(HomeTakenError, match=rf"process {run.process.pid}, http://localhost:1"),
        claim_home(tmp_path / "home", site="http://localhost:2"),
    ):
        pass
    assert "http://localhost:1" in (tmp_path / "home" / "supervisor.lock").read_text()
    run.process.terminate()
    run.ends(0)


def test_a_taken_port_is_reported_with_its_process_and_the_remedy():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortTakenError) as caught:
            claim_port("127.0.0.1", port)
    assert str(caught.value).startswith(f"Port {port} is taken by ")
    assert f"(process {os.getpid()})" in str(caught.value)
    assert str(caught.value).endswith(f"PORT={port + 1} make run")
    claim_port("127.0.0.1", port)


def test_an_inconsistent_table_is_refused():
    log = Log(["web"])
    web = ProcessSpec(name="web", command=("true",))
    with pytest.raises(ValueError, match="same name"):
        Supervisor([web, web], log=log)
    with pytest.raises(ValueError, match="No such process: database"):
        Supervisor([ProcessSpec(name="web", command=("true",), needs=("database",))], log=log)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environment", "colored"),
    [(io.StringIO(), {}, False), (Terminal(), {}, True), (Terminal(), {"NO_COLOR": "1"}, False)],
)
def test_colours_are_used_on_terminals_unless_turned_off(stream, environment, colored):
    Log(["web"], stream=stream, environment=environment).line("web", "hello")
    assert stream.getvalue() == ("\x1b[35mweb   \x1b[0m | hello\n" if colored else "web    | hello\n")
