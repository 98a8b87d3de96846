"""The blob store: bytes addressed by their SHA-256, in files or, through django-storages, on S3."""

import hashlib
import io
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, Storage

CHUNK = 1024 * 1024
READ_AHEAD = 64 * 1024
INCOMING = "incoming-"
STAGING = "aside"


class BlobMissing(LookupError):
    """The store has no blob of this digest."""


@dataclass(frozen=True)
class StoredBlob:
    """A blob in the store: its SHA-256 in hexadecimal and its size in bytes."""

    sha256: str
    size: int


class Draft:
    """A blob that is being written. It is not visible to others until it is saved.

    Attributes:
        size: bytes written so far.
    """

    def __init__(
        self,
        file: "tempfile._TemporaryFileWrapper[bytes]",
        save: Callable[[Path, str], None],
        stage: Callable[[Path, str], None],
    ) -> None:
        self._file, self._save, self._stage = file, save, stage
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, chunk: bytes) -> None:
        """Append bytes."""
        self._digest.update(chunk)
        self._file.write(chunk)
        self.size += len(chunk)

    @property
    def sha256(self) -> str:
        """The digest of the bytes written so far, in hexadecimal."""
        return self._digest.hexdigest()

    def save(self) -> StoredBlob:
        """Put the blob into the store; when this returns, it is on disk."""
        self._file.flush()
        blob = StoredBlob(self.sha256, self.size)
        self._save(Path(self._file.name), blob.sha256)
        return blob

    def stage(self, name: str) -> None:
        """Store the bytes under `name` as one part of an unfinished upload. They do not become a blob."""
        self._file.flush()
        self._stage(Path(self._file.name), name)


class RemoteFile(io.RawIOBase):
    """A seekable remote file; only the parts that are read are fetched.

    Args:
        size: its size in bytes.
        fetch: returns a stream of its bytes from a position on.
    """

    def __init__(self, size: int, fetch: Callable[[int], BinaryIO]) -> None:
        self._size, self._fetch = size, fetch
        self._position = 0
        self._body: BinaryIO | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        position = max(0, start + offset)
        if position != self._position:
            self._drop()
        self._position = position
        return position

    def readinto(self, buffer: Any) -> int:
        if self._position >= self._size or len(buffer) == 0:
            return 0
        if self._body is None:
            self._body = self._fetch(self._position)
        data = self._body.read(len(buffer))
        if not data:
            raise OSError(f"the store broke off at byte {self._position} of {self._size}")
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def close(self) -> None:
        self._drop()
        super().close()

    def _drop(self) -> None:
        body, self._body = self._body, None
        if body is not None:
            body.close()


class BlobStore:
    """Immutable blobs by content. Writing a blob again changes nothing, so every write may be repeated.

    Args:
        storage: Django's storage for the bytes.
        folder: the local folder of `storage`, if it has one; it makes writes atomic.
        open_part: opens a file of `storage` by name without fetching all of it, if `storage.open` would. Raises
        FileNotFoundError.
    """

    def __init__(
        self, storage: Storage, *, folder: Path | None = None, open_part: Callable[[str], BinaryIO] | None = None
    ) -> None:
        self._storage = storage
        self._folder = folder
        self._open_part = open_part

    def put(self, data: bytes) -> StoredBlob:
        """Store bytes."""
        return self.put_file(io.BytesIO(data))

    def put_file(self, source: BinaryIO) -> StoredBlob:
        """Store the rest of `source`. After a crash no incomplete blob is left under the digest."""
        with self.draft() as draft:
            while chunk := source.read(CHUNK):
                draft.write(chunk)
            return draft.save()

    @contextmanager
    def draft(self) -> Iterator["Draft"]:
        """A blob to be written piece by piece. It is discarded at the end unless it was saved or staged."""
        with tempfile.NamedTemporaryFile(dir=self._incoming(), prefix=INCOMING, delete=False) as file:
            try:
                yield Draft(file, self._save, self._stage)
            finally:
                Path(file.name).unlink(missing_ok=True)

    def has(self, sha256: str) -> bool:
        """Whether the store has a blob of this digest."""
        return self._storage.exists(_name(sha256))

    def open(self, sha256: str) -> BinaryIO:
        """A seekable stream of the blob.

        Raises:
            BlobMissing: the store has no such blob.
        """
        try:
            if self._open_part is not None:
                return self._open_part(_name(sha256))
            return cast(BinaryIO, self._storage.open(_name(sha256), "rb"))
        except FileNotFoundError as error:
            raise BlobMissing(f"blob {sha256} is not in the store") from error

    def chunks(self, sha256: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The blob's bytes from `start`, at most `length` of them, in pieces of up to 1 MiB."""
        with self.open(sha256) as stream:
            stream.seek(start)
            left = length
            while left is None or left > 0:
                piece = stream.read(CHUNK if left is None else min(CHUNK, left))
                if not piece:
                    return
                left = None if left is None else left - len(piece)
                yield piece

    def fetch(self, sha256: str, target: BinaryIO) -> None:
        """Copy the blob into an open file."""
        with self.open(sha256) as stream:
            shutil.copyfileobj(stream, target, CHUNK)

    def open_staged(self, name: str) -> BinaryIO:
        """A stream of the part that was staged as `name`, a path of two segments.

        Raises:
            BlobMissing: there is no such part (any more).
        """
        try:
            return cast(BinaryIO, self._storage.open(f"{STAGING}/{name}", "rb"))
        except FileNotFoundError as error:
            raise BlobMissing(f"nothing is set aside as {name}") from error

    def discard_staged(self, name: str) -> None:
        """Delete the part that was staged as `name`, if it exists."""
        self._storage.delete(f"{STAGING}/{name}")

    def staged_folders(self) -> set[str]:
        """The first segments of the names of all staged parts."""
        try:
            return set(self._storage.listdir(STAGING)[0])
        except FileNotFoundError:
            return set()

    def discard_staged_folder(self, folder: str) -> None:
        """Delete all parts whose names begin with `folder`."""
        try:
            _, names = self._storage.listdir(f"{STAGING}/{folder}")
        except FileNotFoundError:
            return
        for name in names:
            self._storage.delete(f"{STAGING}/{folder}/{name}")
        if self._folder is not None:
            with suppress(OSError):  # another part was staged in between
                (self._folder / STAGING / folder).rmdir()

    def delete_expired_drafts(self, *, older_than: float) -> None:
        """Delete drafts of killed processes that were last written more than `older_than` seconds ago."""
        for draft in self._folder.glob(f"{INCOMING}*") if self._folder is not None else ():
            with suppress(FileNotFoundError):
                if draft.stat().st_mtime < time.time() - older_than:
                    draft.unlink()

    def _incoming(self) -> Path | None:
        if self._folder is None:
            return None
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder

    def _save(self, draft: Path, sha256: str) -> None:
        if self._folder is None:
            if not self.has(sha256):
                with draft.open("rb") as stream:
                    self._storage.save(_name(sha256), File(stream))
            return
        target = self._folder / _name(sha256)
        if target.exists():
            return
        new_folders = [folder for folder in (target.parent, target.parent.parent) if not folder.exists()]
        target.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("rb") as stream:
            os.fsync(stream.fileno())  # a row that refers to the blob may be committed right afterwards
        draft.chmod(0o644)
        draft.rename(target)
        for changed in (target.parent, *(folder.parent for folder in new_folders)):
            _sync_folder(changed)

    def _stage(self, draft: Path, name: str) -> None:
        if self._folder is None:
            with draft.open("rb") as stream:
                self._storage.save(f"{STAGING}/{name}", File(stream))
            return
        target = self._folder / STAGING / name
        target.parent.mkdir(parents=True, exist_ok=True)
        draft.rename(target)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _name(sha256: str) -> str:
    return f"sha256/{sha256[:2]}/{sha256}"


def _open_on_s3(storage: Any, location: str, name: str) -> BinaryIO:
    """A stream of an object of the bucket. S3Storage's own files are downloaded whole at the first read."""
    from botocore.exceptions import ClientError

    found = storage.bucket.Object(f"{location}/{name}" if location else name)
    try:
        size: int = found.content_length  # asks S3
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey"):
            raise FileNotFoundError(name) from error
        raise OSError(f"the store does not give {name}: {error}") from error
    remote = RemoteFile(size, lambda start: found.get(Range=f"bytes={start}-")["Body"])
    return cast(BinaryIO, io.BufferedReader(remote, READ_AHEAD))


@cache
def blob_store() -> BlobStore:
    """The store that `STORAGE_URL` names: `file:///folder` or `s3://bucket/prefix?endpoint=https://…&region=…`.

    S3's credentials come from the environment, as boto3 reads it.
    """
    if settings.STORAGE_URL.startswith("file:///"):
        folder = Path(
            settings.STORAGE_URL.removeprefix("file://")
        )  # not parsed as a URL: a folder's name may contain # or ?
        return BlobStore(FileSystemStorage(location=folder), folder=folder)
    url = urlsplit(settings.STORAGE_URL)
    if url.scheme == "s3" and url.netloc:
        from storages.backends.s3 import S3Storage  # imports boto3, which files do not need

        query = parse_qs(url.query)
        location = url.path.strip("/")
        storage = S3Storage(
            bucket_name=url.netloc,
            location=location,
            endpoint_url=query.get("endpoint", [None])[0],
            region_name=query.get("region", [None])[0],
            file_overwrite=True,
            default_acl=None,
        )
        return BlobStore(storage, open_part=partial(_open_on_s3, storage, location))
    raise ImproperlyConfigured(
        f"STORAGE_URL={settings.STORAGE_URL!r} is not understood: use file:///folder or s3://bucket/prefix"
    )
