"""Databases of their own for tests that migrate, on the run's server."""

import gzip
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from django.conf import settings
from psycopg import sql

from marketplace.launcher.embedded.postgres import SUPERUSER, EmbeddedPostgres, binary
from tests.support.services import ROOT, home


@contextmanager
def new_database() -> Iterator[str]:
    """The name of an empty database, as `make run` makes one."""
    name = f"t{secrets.token_hex(6)}"
    EmbeddedPostgres(home).ensure_databases(owner=settings.OWNER_ROLE, serving=settings.SERVING_ROLE, database=name)
    try:
        yield name
    finally:
        with connect("postgres") as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def connect(database: str, *, user: str = SUPERUSER) -> psycopg.Connection:
    return psycopg.connect(home.postgres_url(user=user, database=database), autocommit=True)


def restore(database: str, dump: Path) -> None:
    """Run a gzipped dump that psql is not needed for (`pg_dump --inserts`)."""
    with connect(database) as connection:
        connection.execute(gzip.decompress(dump.read_bytes()).decode())


def dump_schema(database: str) -> str:
    """Tables, functions, triggers, grants and comments, in an order that does not depend on how they came about."""
    url = home.postgres_url(user=SUPERUSER, database=database)
    text = subprocess.run([binary("pg_dump"), "--schema-only", url], capture_output=True, text=True, check=True).stdout
    return "\n".join(line for line in text.splitlines() if not line.startswith("\\"))  # each dump has a key of its own


def restored_schema(database: str) -> str:
    """The schema once more, after a dump and its restoration, which write the same expression in different ways."""
    dump = dump_schema(database)
    with new_database() as copy:
        with connect(copy) as connection:
            connection.execute(dump)
        return dump_schema(copy)


def start_python(database: str, *arguments: str) -> subprocess.Popen[str]:
    """Python with Django's settings for a database."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | {"DATABASE_NAME": database, "DJANGO_SETTINGS_MODULE": "marketplace.settings"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def migrate(database: str, *target: str, processes: int = 1) -> list[str]:
    """Run `manage.py migrate` so many times at once; what each wrote. Fails where one does."""
    running = [start_python(database, "manage.py", "migrate", *target) for _ in range(processes)]
    texts = [process.communicate(timeout=300)[0] for process in running]
    assert [process.returncode for process in running] == [0] * processes, texts
    return texts
