"""Files as the checks read them: the same, whether they lie in a folder or in the blob store."""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from marketplace.core.storage import blob_store


class Source(Protocol):
    """One file of a version."""

    @property
    def size(self) -> int:
        """Bytes that it has."""

    def open(self) -> BinaryIO:
        """A seekable stream of it. What is not read is not fetched."""

    def read_text(self, encoding: str) -> str:
        """All of it, decoded. Raises UnicodeDecodeError."""


@dataclass(frozen=True)
class LocalSource:
    """A file on this machine."""

    path: Path

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    def open(self) -> BinaryIO:
        return self.path.open("rb")

    def read_text(self, encoding: str) -> str:
        return self.path.read_text(encoding)


@dataclass(frozen=True)
class StoredSource:
    """A blob of the store, read where it lies."""

    sha256: str
    size: int

    def open(self) -> BinaryIO:
        return blob_store().open(self.sha256)

    def read_text(self, encoding: str) -> str:
        with self.open() as stream:
            return stream.read().decode(encoding)
