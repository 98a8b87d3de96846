"""Weights on this machine's disk, by digest, shared by the versions and the processes that need them.

```
sha256/ab/<digest>        a blob; its content was verified while it was received
sha256/ab/<digest>.part   a blob being received; the process that holds its lock writes it
versions/<version>/…      a version's folder; its files are links to blobs
locks/<version>           held shared by processes that need the version's folder, exclusively while it is evicted
lock                      held shared while a link is made, exclusively while a folder is put into place or evicted
```

All locks are the kernel's (`flock`), so that a process that dies releases its own. Nothing is flushed to disk: after a
power failure a blob may be truncated; its size then differs, and it is fetched again.
"""

import fcntl
import hashlib
import io
import logging
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

log = logging.getLogger(__name__)

VERSION = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")
DIGEST = re.compile(r"[0-9a-f]{64}")
BUILDING = ".building-"

Fetch = Callable[[str, BinaryIO], None]
OnBytes = Callable[[int, int], None]


class WeightsDamaged(Exception):
    """The store's content for a file differs from the version's manifest."""

    def __init__(self, *, path: str, sha256: str, reason: str) -> None:
        super().__init__(
            f"{path} (sha256 {sha256}) is damaged in the store: {reason}. Restore it there, then try again."
        )
        self.path = path
        self.sha256 = sha256


@dataclass(frozen=True)
class WeightFile:
    """A file of a version: its path inside the folder, its digest in hexadecimal, and its size in bytes."""

    path: str
    sha256: str
    size: int

    def __post_init__(self) -> None:
        path = PurePosixPath(self.path)
        if path.is_absolute() or not path.parts or ".." in path.parts or "\0" in self.path:
            raise ValueError(f"{self.path!r} is no path inside a version's folder.")
        if not DIGEST.fullmatch(self.sha256):
            raise ValueError(f"{self.sha256!r} is no sha256 in hexadecimal.")


class WeightsCache:
    """Folders of weights, each fetched once, within a budget of bytes.

    Any number of threads and processes may use one root at once.
    """

    def __init__(self, root: Path, *, fetch: Fetch, budget_bytes: int) -> None:
        """Args:
        root: the cache's folder, created if it is missing.
        fetch: called with a digest and a file; writes the blob's content to it once, in order.
        budget_bytes: the limit for all blobs together. A version in use stays even if it alone exceeds it.
        """
        self._root = root
        self._fetch = fetch
        self._budget = budget_bytes
        self._pins: dict[str, list[int]] = {}
        self._pins_lock = threading.Lock()
        for name in ("sha256", "versions", "locks"):
            (root / name).mkdir(parents=True, exist_ok=True)

    def folder(self, version: str, files: Sequence[WeightFile], *, on_bytes: OnBytes | None = None) -> Path:
        """A folder that holds the version's files; missing ones are fetched. Do not write to it.

        The folder may be evicted later; `pin` the version first to keep it while it is read.

        Args:
            on_bytes: called with (bytes present, bytes in all) while they are received.

        Raises:
            WeightsDamaged: the store's content has another digest or size.
        """
        target = self._root / "versions" / _checked(version)
        with self._in_use(version):
            if not _complete(target, files):
                self._build(target, files, on_bytes)
                self._shrink()
            os.utime(target)  # eviction goes by this time
        return target

    def pin(self, version: str) -> None:
        """Protect the version's folder from eviction by any process until `unpin` was called as often."""
        lock = _lock(self._root / "locks" / _checked(version), fcntl.LOCK_SH)
        with self._pins_lock:
            self._pins.setdefault(version, []).append(lock)

    def unpin(self, version: str) -> None:
        """Release one pin; does nothing if there is none."""
        with self._pins_lock:
            locks = self._pins.get(version, [])
            if locks:
                os.close(locks.pop())

    def _build(self, target: Path, files: Sequence[WeightFile], on_bytes: OnBytes | None) -> None:
        """Link the files into a staging folder, then put it into place with one rename."""
        progress = _Progress(sum({file.sha256: file.size for file in files}.values()), on_bytes)
        with self._links(fcntl.LOCK_SH):
            staging = Path(tempfile.mkdtemp(prefix=BUILDING, dir=target.parent))
            # Shows an evicting process that the builder of this folder is alive.
            alive = os.open(staging, os.O_RDONLY)
            fcntl.flock(alive, fcntl.LOCK_SH)
        try:
            for file in files:
                self._place(file, staging / file.path, progress)
            staging.chmod(0o755)
            # Under the exclusive lock: an incomplete folder found here is damaged, not one that another builder
            # is just putting into place.
            with self._links(fcntl.LOCK_EX):
                if not _complete(target, files):
                    _remove(target)
                    os.rename(staging, target)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
            os.close(alive)

    def _place(self, file: WeightFile, target: Path, progress: "_Progress") -> None:
        """Link the file's blob to `target`, fetching it first if it is missing.

        Another caller that needs the blob meanwhile waits for this fetch instead of repeating it.
        """
        blob = self._root / "sha256" / file.sha256[:2] / file.sha256
        part = blob.with_name(f"{file.sha256}.part")
        target.parent.mkdir(parents=True, exist_ok=True)
        blob.parent.mkdir(exist_ok=True)
        while not self._linked(file, blob, target):
            with part.open("ab") as out:
                fcntl.flock(out, fcntl.LOCK_EX)
                if _inode(part) != os.fstat(out.fileno()).st_ino:
                    continue  # the process that held the lock has finished this file: check again
                try:
                    if _size(blob) == file.size:  # it was received between the check and the lock
                        part.unlink()
                        continue
                    out.truncate(0)
                    self._receive(file, out, progress)
                    # Both under one lock: a blob without a link may be evicted at any moment.
                    with self._links(fcntl.LOCK_SH):
                        os.replace(part, blob)
                        _link(blob, target)
                    break
                except BaseException:
                    part.unlink(missing_ok=True)
                    raise
        progress.complete(file)

    def _linked(self, file: WeightFile, blob: Path, target: Path) -> bool:
        """Whether the blob is present; if so, it is linked to `target`."""
        with self._links(fcntl.LOCK_SH):
            is_present = _size(blob) == file.size
            if is_present:
                _link(blob, target)
        return is_present

    def _receive(self, file: WeightFile, out: BinaryIO, progress: "_Progress") -> None:
        sink = _Sink(out, lambda received: progress.receiving(file, received))
        self._fetch(file.sha256, cast(BinaryIO, sink))
        out.flush()
        if sink.received != file.size:
            reason = f"it has {sink.received:,} bytes instead of {file.size:,}"
            raise WeightsDamaged(path=file.path, sha256=file.sha256, reason=reason)
        if sink.digest() != file.sha256:
            raise WeightsDamaged(path=file.path, sha256=file.sha256, reason=f"its digest is {sink.digest()}")

    def _shrink(self) -> None:
        """Remove the least recently used versions that are not in use, and the blobs that no version links to."""
        with self._links(fcntl.LOCK_EX):
            self._evict(self._root / "versions")

    def _evict(self, versions: Path) -> None:
        for abandoned in versions.glob(f"{BUILDING}*"):
            with _exclusive(abandoned, os.O_RDONLY) as free:
                if free:
                    _remove(abandoned)
        while self._remove_orphaned_blobs() > self._budget:
            folders = [path for path in versions.iterdir() if not path.name.startswith(BUILDING)]
            for folder in sorted(folders, key=_used_at):
                with _exclusive(self._root / "locks" / folder.name, os.O_RDWR | os.O_CREAT) as free:
                    if free:
                        _remove(folder)
                        log.info("evicted the weights of %s from the disk cache", folder.name)
                        break
            else:
                log.warning("the weights in use take more than the disk cache's %s bytes", f"{self._budget:,}")
                return

    def _remove_orphaned_blobs(self) -> int:
        """Remove blobs to which no version, complete or being built, has a link. Returns the bytes of the others."""
        walk = os.walk(self._root / "versions")
        linked = {_inode(Path(folder, name)) for folder, _, names in walk for name in names}
        total = 0
        for blob in (self._root / "sha256").glob("*/*"):
            if blob.suffix == ".part":
                with _exclusive(blob, os.O_RDONLY) as free:
                    if free:  # its writer died
                        blob.unlink(missing_ok=True)
            elif _inode(blob) in linked:
                total += _size(blob)
            else:
                blob.unlink(missing_ok=True)
        return total

    @contextmanager
    def _in_use(self, version: str) -> Iterator[None]:
        """Protects the version from eviction inside the block."""
        lock = _lock(self._root / "locks" / version, fcntl.LOCK_SH)
        try:
            yield
        finally:
            os.close(lock)

    @contextmanager
    def _links(self, mode: int) -> Iterator[None]:
        """Holds the lock of links: shared to make links, exclusive to put folders into place and to evict."""
        lock = _lock(self._root / "lock", mode)
        try:
            yield
        finally:
            os.close(lock)


class _Sink(io.RawIOBase):
    """A file that hashes and counts the bytes written to it, so that received content is read only once."""

    def __init__(self, out: BinaryIO, on_received: Callable[[int], None]) -> None:
        self._out = out
        self._hash = hashlib.sha256()
        self._on_received = on_received
        self.received = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        size = memoryview(data).nbytes
        self._hash.update(data)
        self._out.write(data)
        self.received += size
        self._on_received(self.received)
        return size

    def digest(self) -> str:
        return self._hash.hexdigest()


class _Progress:
    """Adds up the bytes of a version that are present, each digest once."""

    def __init__(self, total: int, on_bytes: OnBytes | None) -> None:
        self._total = total
        self._on_bytes = on_bytes
        self._sizes: dict[str, int] = {}

    def receiving(self, file: WeightFile, received: int) -> None:
        self._sizes[file.sha256] = min(received, file.size)
        if self._on_bytes is not None:
            self._on_bytes(sum(self._sizes.values()), self._total)

    def complete(self, file: WeightFile) -> None:
        if self._sizes.get(file.sha256) != file.size:
            self.receiving(file, file.size)


def _checked(version: str) -> str:
    if not VERSION.fullmatch(version):
        raise ValueError(f"{version!r} can't name a folder; a version's id is letters, digits, dots, dashes.")
    return version


def _lock(path: Path, mode: int) -> int:
    """A descriptor that holds the lock of this file, created if it is missing; closing it releases the lock."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    fcntl.flock(descriptor, mode)
    return descriptor


def _complete(folder: Path, files: Sequence[WeightFile]) -> bool:
    return folder.is_dir() and all(_size(folder / file.path) == file.size for file in files)


def _link(blob: Path, target: Path) -> None:
    """Make a hard link, or a symbolic one where the file system has no hard links."""
    try:
        os.link(blob, target)
    except OSError:
        target.symlink_to(blob.resolve(strict=True))


def _size(path: Path) -> int:
    """Bytes of a file, -1 if there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _inode(path: Path) -> int:
    """The inode of a path, 0 if there is no file."""
    try:
        return path.stat().st_ino
    except OSError:
        return 0


def _used_at(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0


@contextmanager
def _exclusive(lock: Path, flags: int) -> Iterator[bool]:
    """Whether the lock (a file or a folder) is free; if so, it is held inside the block."""
    try:
        descriptor = os.open(lock, flags, 0o644)
    except FileNotFoundError:
        yield False
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def _remove(folder: Path) -> None:
    """Rename a folder, then delete it, so that no reader sees half of one."""
    doomed = folder.with_name(f"{BUILDING}{os.urandom(8).hex()}")
    with suppress(FileNotFoundError):
        os.rename(folder, doomed)
        shutil.rmtree(doomed, ignore_errors=True)
