"""pytest plugin: PostgreSQL and Redis for the whole run, a database of its own for each worker.

Loaded before Django's settings are read (`-p tests.support.services`), because settings come from the environment. The
controlling process starts the embedded services in a temporary home and migrates one template database; every worker
clones it, which takes milliseconds.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
TEMPLATE = "bourse"
ROOT = Path(__file__).resolve().parents[2]
OUTSIDE = (
    *("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "CELERY_BROKER_URL", "STORAGE_URL", "PORT", "BASE_URL"),
    *("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "STRIPE_API_BASE"),
)

if not WORKER:
    for name in OUTSIDE:
        os.environ.pop(name, None)  # tests never use external services
    os.environ["BOURSE_HOME"] = tempfile.mkdtemp(prefix="bourse-tests-")
home_path = Path(os.environ["BOURSE_HOME"])
os.environ["DATABASE_NAME"] = f"{TEMPLATE}_{WORKER or 'alone'}"
os.environ["REDIS_URL"] = f"unix://{home_path}/run/redis.sock?db={int(WORKER.removeprefix('gw') or 0) % 15 + 1}"
os.environ["CELERY_BROKER_URL"] = "memory://"
os.environ.setdefault("LOG_LEVEL", "WARNING")

from marketplace.launcher.embedded.home import Home  # noqa: E402  # after the environment is set
from marketplace.launcher.embedded.postgres import EmbeddedPostgres  # noqa: E402
from marketplace.launcher.embedded.redis import EmbeddedRedis  # noqa: E402

home = Home(home_path)
_running: list[tuple[EmbeddedPostgres | EmbeddedRedis, subprocess.Popen[bytes]]] = []


def pytest_configure(config: pytest.Config) -> None:
    if WORKER or config.option.collectonly:
        return
    config.add_cleanup(stop_services)  # also if the rest fails
    postgres, redis = EmbeddedPostgres(home), EmbeddedRedis(home)
    for service in (postgres, redis):
        service.prepare()
        quiet = subprocess.DEVNULL
        _running.append((service, subprocess.Popen(service.command(), stdin=quiet, stdout=quiet, stderr=quiet)))
    wait_until(lambda: postgres.ready() and redis.ready(), "the embedded services", seconds=60)
    postgres.ensure_databases(owner="bourse_owner", serving="bourse", database=TEMPLATE)
    environment = os.environ | {"DATABASE_NAME": TEMPLATE}
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity=0"], cwd=ROOT, env=environment, check=True)


def pytest_sessionstart(session: pytest.Session) -> None:
    if session.config.option.collectonly or (not WORKER and session.config.getoption("numprocesses", None)):
        return  # with workers, the controlling process runs no test
    clone_database(os.environ["DATABASE_NAME"])


def stop_services() -> None:
    for service, process in reversed(_running):
        process.send_signal(service.STOP_SIGNAL)
    for _, process in reversed(_running):
        process.wait(timeout=30)
    shutil.rmtree(home_path, ignore_errors=True)


def clone_database(name: str) -> None:
    """A fresh copy of the migrated template."""
    import psycopg
    from psycopg import sql

    with psycopg.connect(home.postgres_url(user="postgres", database="postgres"), autocommit=True) as connection:
        # Only one clone of a template can be made at a time, so workers take turns.
        connection.execute("SELECT pg_advisory_lock(1)")
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER bourse_owner").format(
                sql.Identifier(name), sql.Identifier(TEMPLATE)
            )
        )


def wait_until(condition, what: str, *, seconds: float) -> None:  # type: ignore[no-untyped-def]
    """Poll until the condition is true. Raises AssertionError with `what` after the time limit."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.05)
