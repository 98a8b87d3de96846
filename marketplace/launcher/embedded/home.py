"""`$BOURSE_HOME`: the folder with all state of an installation without external services."""

import hashlib
import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

# A unix socket's path is limited to 107 bytes; the rest is for the longest file name in the folder.
MAX_SOCKET_FOLDER_BYTES = 80


@dataclass(frozen=True)
class Home:
    """The paths of one installation.

    Attributes:
        path: the absolute path of the folder, `$BOURSE_HOME`.
    """

    path: Path

    @classmethod
    def from_environment(cls, default: Path) -> "Home":
        """The home that `BOURSE_HOME` names, else `default`."""
        return cls(Path(os.environ.get("BOURSE_HOME") or default).absolute())

    @property
    def postgres_data(self) -> Path:
        return self.path / "postgres"

    @property
    def redis_data(self) -> Path:
        return self.path / "redis"

    @property
    def blobs(self) -> Path:
        return self.path / "blobs"

    @property
    def weights_cache(self) -> Path:
        return self.path / "weights"

    @property
    def sockets(self) -> Path:
        """The folder of unix sockets: inside the home, unless its path is too long for a socket."""
        inside = self.path / "run"
        if len(os.fsencode(inside)) <= MAX_SOCKET_FOLDER_BYTES:
            return inside
        digest = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"bourse-{os.getuid()}-{digest}"

    @property
    def redis_socket(self) -> Path:
        return self.sockets / "redis.sock"

    def postgres_url(self, *, user: str, database: str) -> str:
        """A libpq URL of the embedded PostgreSQL, over its unix socket."""
        return f"postgresql://{user}@/{database}?host={quote(str(self.sockets))}"

    @property
    def redis_url(self) -> str:
        return f"unix://{quote(str(self.redis_socket))}?db=0"

    def secret(self, name: str, *, make: bool) -> str | None:
        """The secret called `name`: from the environment, else from the home, else created there (mode 0600).

        Args:
            name: the environment variable that overrides the file, for example `SECRET_KEY`.
            make: whether to create a missing one. Only an embedded installation does; the processes of a cluster must
            share their secrets, so they must come from the environment.

        Returns:
            the secret, 64 hexadecimal digits if it was created here, or None if there is none.
        """
        if value := os.environ.get(name):
            return value
        file = self.path / "secrets" / name.lower()
        if file.exists():
            return file.read_text()
        if not make:
            return None
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = file.with_suffix(f".{os.getpid()}.{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex(32))
        try:
            os.link(draft, file)  # fails if another process was first; its secret is then used
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        return file.read_text()
