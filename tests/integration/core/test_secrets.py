"""Secrets of an installation: created once under its home, or required from the environment."""

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

from marketplace.launcher.embedded.home import Home
from tests.support.services import OUTSIDE, ROOT


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    return Home(tmp_path / "home")


def test_a_secret_is_made_once_and_only_its_owner_reads_it(home: Home):
    secret = home.secret("SECRET_KEY", make=True)
    assert secret is not None
    assert len(bytes.fromhex(secret)) == 32
    file = home.path / "secrets" / "secret_key"
    assert file.read_text() == secret
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert home.secret("SECRET_KEY", make=True) == home.secret("SECRET_KEY", make=False) == secret
    assert home.secret("RECEIPT_KEY", make=True) != secret
    assert sorted(path.name for path in file.parent.iterdir()) == ["receipt_key", "secret_key"]


def test_the_environment_comes_first(home: Home, monkeypatch: pytest.MonkeyPatch):
    home.secret("SECRET_KEY", make=True)
    monkeypatch.setenv("SECRET_KEY", "given")
    assert home.secret("SECRET_KEY", make=True) == "given"


def test_a_secret_is_not_created_unless_allowed(home: Home):
    assert home.secret("SECRET_KEY", make=False) is None
    assert not home.path.exists()


def test_a_loose_umask_makes_no_difference(home: Home):
    before = os.umask(0)
    try:
        home.secret("SECRET_KEY", make=True)
    finally:
        os.umask(before)
    assert (home.path / "secrets" / "secret_key").stat().st_mode & 0o777 == 0o600


def _make(path: Path, barrier, answers) -> None:  # type: ignore[no-untyped-def]
    barrier.wait()
    answers.put(Home(path).secret("SECRET_KEY", make=True))


def test_processes_that_start_together_share_one_secret(home: Home):
    context = multiprocessing.get_context("fork")
    barrier, answers = context.Barrier(8), context.Queue()
    processes = [context.Process(target=_make, args=(home.path, barrier, answers)) for _ in range(8)]
    for process in processes:
        process.start()
    secrets = {answers.get(timeout=30) for _ in processes}
    for process in processes:
        process.join(30)
    assert secrets == {(home.path / "secrets" / "secret_key").read_text()}
    assert [path.name for path in (home.path / "secrets").iterdir()] == ["secret_key"]


def check(home: Path, **given: str) -> "subprocess.CompletedProcess[str]":
    environment = {
        name: value for name, value in os.environ.items() if name not in (*OUTSIDE, "SECRET_KEY", "RECEIPT_KEY")
    }
    environment |= {"BOURSE_HOME": str(home)} | given
    return subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize("missing", ["SECRET_KEY", "RECEIPT_KEY"])
def test_with_an_external_database_secrets_must_be_set(tmp_path: Path, missing: str):
    secrets = {"SECRET_KEY": "ab" * 32, "RECEIPT_KEY": "cd" * 32}
    del secrets[missing]
    done = check(tmp_path / "home", DATABASE_URL="postgresql://bourse@db.example/bourse", **secrets)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1] == (
        f"django.core.exceptions.ImproperlyConfigured: {missing} is not set. With DATABASE_URL given, every process "
        f"needs the same secrets from its environment: set {missing} to 64 hexadecimal digits "
        '(python -c "import secrets; print(secrets.token_hex(32))").'
    )
    assert not (tmp_path / "home").exists()


def test_with_its_secrets_set_it_starts(tmp_path: Path):
    secrets = {"SECRET_KEY": "ab" * 32, "RECEIPT_KEY": "cd" * 32}
    done = check(tmp_path / "home", DATABASE_URL="postgresql://bourse@db.example/bourse", **secrets)
    assert (done.returncode, done.stdout) == (0, "System check identified no issues (0 silenced).\n"), done.stderr
    assert not (tmp_path / "home").exists()
