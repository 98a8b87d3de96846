"""Files as the checks read them: one interface for files in a folder and in the blob store."""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from marketplace.core.storage import blob_store


class Source(Protocol):
    """One file of a version."""

    @property
    def size(self) -> int:
        """Size in bytes."""

    def open(self) -> BinaryIO:
        """A seekable stream of the file. Only the parts that are read are fetched."""

    def read_text(self, encoding: str) -> str:
        """The whole file, decoded. Raises UnicodeDecodeError."""


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
    """A blob of the store, read without a local copy."""

    sha256: str
    size: int

    def open(self) -> BinaryIO:
        return blob_store().open(self.sha256)

    def read_text(self, encoding: str) -> str:
        with self.open() as stream:
            return stream.read().decode(encoding)
