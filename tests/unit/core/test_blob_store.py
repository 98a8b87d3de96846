"""The blob store on files: content-addressed, atomic, with errors for missing blobs."""

import errno
import hashlib
import io
import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import FileSystemStorage, InMemoryStorage

from marketplace.core import storage
from marketplace.core.storage import CHUNK, BlobMissing, BlobStore, StoredBlob, blob_store

ABSENT = hashlib.sha256(b"absent").hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


@pytest.fixture(params=["files", "django storage"])
def store(request: pytest.FixtureRequest, folder: Path) -> BlobStore:
    return files(folder) if request.param == "files" else BlobStore(InMemoryStorage())


def files(folder: Path) -> BlobStore:
    return BlobStore(FileSystemStorage(location=folder), folder=folder)


def stored(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, 2 * CHUNK + 7])
def test_a_stored_blob_is_read_back(store: BlobStore, size: int):
    data = os.urandom(size)
    blob = store.put(data)
    assert blob == StoredBlob(hashlib.sha256(data).hexdigest(), size)
    assert store.has(blob.sha256)
    with store.open(blob.sha256) as stream:
        assert stream.read() == data
        stream.seek(0)
        assert stream.read(3) == data[:3]
    target = io.BytesIO()
    store.fetch(blob.sha256, target)
    assert target.getvalue() == data
    assert [len(piece) for piece in store.chunks(blob.sha256)] == [CHUNK] * (size // CHUNK) + [size % CHUNK] * (
        size % CHUNK > 0
    )


def test_ranges(store: BlobStore):
    data = os.urandom(2 * CHUNK + 7)
    sha256 = store.put(data).sha256
    for start, length in [
        (0, 0),
        (0, 1),
        (5, 10),
        (CHUNK - 1, 2),
        (0, None),
        (CHUNK, None),
        (2 * CHUNK, 100),
        (9**9, 5),
    ]:
        end = None if length is None else start + length
        assert b"".join(store.chunks(sha256, start=start, length=length)) == data[start:end], (start, length)


def test_only_what_the_stream_has_left_is_stored(store: BlobStore):
    source = io.BytesIO(b"header|body")
    source.seek(7)
    assert store.put_file(source) == StoredBlob(hashlib.sha256(b"body").hexdigest(), 4)


def test_a_missing_object_is_named(store: BlobStore):
    store.put(b"something")
    assert not store.has(ABSENT)
    with pytest.raises(BlobMissing, match=f"blob {ABSENT} is not in the store"):
        store.open(ABSENT)
    with pytest.raises(BlobMissing):
        next(store.chunks(ABSENT))
    with pytest.raises(BlobMissing):
        store.fetch(ABSENT, io.BytesIO())


def test_the_same_content_is_stored_once(folder: Path):
    store = files(folder)
    blob = store.put(b"twice")
    name = f"sha256/{blob.sha256[:2]}/{blob.sha256}"
    before = (folder / name).stat()
    assert store.put(b"twice") == blob
    after = (folder / name).stat()
    assert stored(folder) == [name]
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_concurrent_writers_of_the_same_content_leave_one_whole_blob(folder: Path):
    store, data = files(folder), os.urandom(3 * CHUNK)
    sha256 = hashlib.sha256(data).hexdigest()
    barrier, seen, failures = threading.Barrier(9), [], []

    def write() -> None:
        barrier.wait()
        try:
            seen.append(store.put(data).sha256)
        except Exception as error:  # checked below
            failures.append(error)

    def read() -> None:
        barrier.wait()
        while len(seen) + len(failures) < 8:
            if store.has(sha256):
                with store.open(sha256) as stream:
                    if stream.read() != data:
                        failures.append(AssertionError("a reader saw half a blob"))

    threads = [threading.Thread(target=write) for _ in range(8)] + [threading.Thread(target=read)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    assert seen == [sha256] * 8
    assert stored(folder) == [f"sha256/{sha256[:2]}/{sha256}"]


def test_a_source_that_fails_leaves_nothing(folder: Path):
    class Failing(io.RawIOBase):
        reads = 0

        def read(self, size: int = -1) -> bytes:
            self.reads += 1
            if self.reads > 2:
                raise OSError(errno.EIO, "the disk went away")
            return b"x" * CHUNK

    with pytest.raises(OSError, match="the disk went away"):
        files(folder).put_file(Failing())  # type: ignore[arg-type]  # a raw stream reads as a binary one
    assert stored(folder) == []


def _write_and_die(folder: Path, started: Path) -> None:
    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            started.touch()
            time.sleep(0.01)
            return b"x" * 10

    files(folder).put_file(Endless())  # type: ignore[arg-type]  # a raw stream reads as a binary one


def test_a_writer_that_is_killed_leaves_nothing_under_a_digest(folder: Path, tmp_path: Path):
    started = tmp_path / "started"
    writer = multiprocessing.get_context("fork").Process(target=_write_and_die, args=(folder, started))
    writer.start()
    while not started.exists():
        time.sleep(0.01)
    os.kill(writer.pid or 0, signal.SIGKILL)
    writer.join()
    assert not (folder / "sha256").exists()
    assert files(folder).put(b"x" * 10).size == 10


@pytest.fixture
def store_at(settings):  # type: ignore[no-untyped-def]
    """`blob_store()` under another STORAGE_URL."""

    def open_at(url: str) -> BlobStore:
        settings.STORAGE_URL = url
        blob_store.cache_clear()
        return blob_store()

    yield open_at
    blob_store.cache_clear()


@pytest.mark.parametrize("name", ["plain", "with space", "per%20cent", "hash#tag", "what?", "ünïcode"])
def test_a_file_url_is_the_folder_as_it_is_written(store_at, tmp_path: Path, name: str):  # type: ignore[no-untyped-def]
    blob = store_at(f"file://{tmp_path}/{name}").put(b"here")
    assert stored(tmp_path) == [f"{name}/sha256/{blob.sha256[:2]}/{blob.sha256}"]


def test_an_s3_url_names_bucket_prefix_endpoint_and_region(store_at, monkeypatch):  # type: ignore[no-untyped-def]
    from storages.backends import s3

    given: list[dict[str, object]] = []

    class Recorded(InMemoryStorage):
        def __init__(self, **options: object) -> None:
            given.append(options)
            super().__init__()

    monkeypatch.setattr(s3, "S3Storage", Recorded)
    store_at("s3://weights/market/blobs/?endpoint=https://minio.example:9000&region=eu-central-1")
    store_at("s3://weights")
    same = {"bucket_name": "weights", "file_overwrite": True, "default_acl": None}
    assert given == [
        same
        | {"location": "market/blobs", "endpoint_url": "https://minio.example:9000", "region_name": "eu-central-1"},
        same | {"location": "", "endpoint_url": None, "region_name": None},
    ]


@pytest.mark.parametrize(
    "url",
    ["", "blobs", "/srv/blobs", "file:", "file://", "file://srv/blobs", "s3://", "s3:///x", "ftp://host/x", "S4://x"],
)
def test_another_url_is_refused_by_name(store_at, url: str):  # type: ignore[no-untyped-def]
    with pytest.raises(ImproperlyConfigured) as refused:
        store_at(url)
    assert str(refused.value) == f"STORAGE_URL={url!r} is not understood: use file:///folder or s3://bucket/prefix"


def test_the_folders_of_a_blob_reach_the_disk_too(folder: Path, monkeypatch: pytest.MonkeyPatch):
    synced: list[Path] = []
    monkeypatch.setattr(storage, "_sync_folder", synced.append)
    blob = files(folder).put(b"durable")
    assert set(synced) == {folder, folder / "sha256", folder / "sha256" / blob.sha256[:2]}
    synced.clear()
    other = next(data for data in (str(i).encode() for i in range(10_000)) if _prefix(data) == blob.sha256[:2])
    files(folder).put(other)
    assert synced == [folder / "sha256" / blob.sha256[:2]]


def _prefix(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:2]


def test_staged_parts_are_not_blobs_and_are_deleted_with_their_folder(store: BlobStore):
    for name in ("up/1-a", "up/2-b", "other/1-c"):
        with store.draft() as draft:
            draft.write(name.encode())
            draft.stage(name)
            assert not store.has(draft.sha256)
    with store.open_staged("up/1-a") as stream:
        assert stream.read() == b"up/1-a"
    assert store.staged_folders() == {"up", "other"}
    store.discard_staged("up/1-a")
    with pytest.raises(BlobMissing, match="up/1-a"):
        store.open_staged("up/1-a")
    with store.open_staged("up/2-b") as stream:
        assert stream.read() == b"up/2-b"
    store.discard_staged_folder("up")
    store.discard_staged_folder("up")
    store.discard_staged_folder("never")
    for name in ("up/1-a", "up/2-b"):
        with pytest.raises(BlobMissing, match=name):
            store.open_staged(name)
    with store.open_staged("other/1-c") as stream:
        assert stream.read() == b"other/1-c"


def test_drafts_of_killed_writers_are_deleted_and_live_ones_kept(folder: Path):
    store = files(folder)
    folder.mkdir()
    dead = folder / "incoming-dead"
    dead.write_bytes(b"x")
    os.utime(dead, (0, 0))
    with store.draft() as draft:
        draft.write(b"y")
        store.delete_expired_drafts(older_than=60)
        assert not dead.exists()
        assert store.has(draft.save().sha256)
