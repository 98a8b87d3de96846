"""The weights cache: content, budget, damage, races between threads and processes."""

import hashlib
import multiprocessing
import os
import threading
from pathlib import Path

import pytest

from inference.runtime.cache import WeightFile, WeightsCache, WeightsDamaged


class Store:
    """Blobs by digest, in memory, with a record of what was fetched."""

    def __init__(self):
        self.blobs, self.fetched = {}, []

    def add(self, path, content):
        digest = hashlib.sha256(content).hexdigest()
        self.blobs[digest] = content
        return WeightFile(path, digest, len(content))

    def fetch(self, digest, out):
        self.fetched.append(digest)
        content = self.blobs[digest]
        for start in range(0, len(content), 100):
            out.write(content[start : start + 100])


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def cache(tmp_path, store):
    return WeightsCache(tmp_path / "cache", fetch=store.fetch, budget_bytes=1000)


def blobs(cache_root: Path) -> set[str]:
    return {path.name for path in (cache_root / "sha256").rglob("*") if path.is_file()}


def versions(cache_root: Path) -> set[str]:
    return {path.name for path in (cache_root / "versions").iterdir()}


def test_a_folder_holds_the_files_and_is_fetched_once(cache, store, tmp_path):
    files = [store.add("model_index.json", b"{}"), store.add("unet/w.safetensors", b"w" * 250), store.add("empty", b"")]
    seen = []
    folder = cache.folder("v1", files, on_bytes=lambda done, total: seen.append((done, total)))
    assert folder == tmp_path / "cache" / "versions" / "v1"
    assert (folder / "unet" / "w.safetensors").read_bytes() == b"w" * 250
    assert (folder / "empty").read_bytes() == b""
    assert seen == [(2, 252), (102, 252), (202, 252), (252, 252), (252, 252)]
    assert cache.folder("v1", files) == folder
    assert store.fetched == [file.sha256 for file in files]
    assert blobs(tmp_path / "cache") == {file.sha256 for file in files}  # and no temporary file


def test_versions_share_what_they_have_in_common(cache, store):
    shared = store.add("vae.safetensors", b"v" * 300)
    first = cache.folder("v1", [shared, store.add("unet", b"1")])
    seen = []
    second = cache.folder("v2", [shared, store.add("unet", b"2")], on_bytes=lambda *bytes_: seen.append(bytes_))
    assert store.fetched.count(shared.sha256) == 1
    assert (first / "vae.safetensors").samefile(second / "vae.safetensors")
    assert seen == [(300, 301), (301, 301)]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"x" * 250, "its digest is"),
        (b"w" * 249, "249 bytes instead of 250"),
        (b"", "0 bytes"),
        (b"w" * 251, "251 bytes"),
    ],
)
def test_damage_in_the_store_names_path_and_digest_and_leaves_nothing(cache, store, tmp_path, content, reason):
    file = store.add("unet/w.safetensors", b"w" * 250)
    store.blobs[file.sha256] = content
    with pytest.raises(WeightsDamaged, match=rf"unet/w\.safetensors \(sha256 {file.sha256}\).*{reason}"):
        cache.folder("v1", [file])
    assert blobs(tmp_path / "cache") == set()
    assert versions(tmp_path / "cache") == set()
    store.blobs[file.sha256] = b"w" * 250
    assert (cache.folder("v1", [file]) / "unet/w.safetensors").read_bytes() == b"w" * 250


def test_a_fetch_that_breaks_off_leaves_nothing_and_can_be_repeated(cache, store, tmp_path):
    good, bad = store.add("a", b"a" * 10), store.add("b", b"b" * 10)
    del store.blobs[bad.sha256]
    with pytest.raises(KeyError):
        cache.folder("v1", [good, bad])
    assert blobs(tmp_path / "cache") == {good.sha256}
    assert versions(tmp_path / "cache") == set()
    store.blobs[bad.sha256] = b"b" * 10
    cache.folder("v1", [good, bad])
    assert store.fetched.count(good.sha256) == 1


def test_a_file_cut_short_on_this_disk_is_fetched_again(cache, store):
    file = store.add("w", b"w" * 250)
    folder = cache.folder("v1", [file])
    os.truncate(folder / "w", 100)
    assert cache.folder("v1", [file]) == folder
    assert (folder / "w").read_bytes() == b"w" * 250
    assert store.fetched == [file.sha256] * 2


def test_the_least_recently_used_version_goes_when_the_budget_is_spent(cache, store, tmp_path):
    files = {name: [store.add("w", name.encode() * 400)] for name in "abc"}
    for name in "ab":
        os.utime(cache.folder(name, files[name]), (1, 1 if name == "b" else 2))
    cache.folder("c", files["c"])
    assert versions(tmp_path / "cache") == {"a", "c"}
    assert blobs(tmp_path / "cache") == {files["a"][0].sha256, files["c"][0].sha256}


def test_asking_for_a_version_is_a_use(cache, store, tmp_path):
    files = {name: [store.add("w", name.encode() * 400)] for name in "abc"}
    for name in "ab":
        os.utime(cache.folder(name, files[name]), (1, 1))
    cache.folder("a", files["a"])
    cache.folder("c", files["c"])
    assert versions(tmp_path / "cache") == {"a", "c"}


def test_a_pinned_version_stays_until_it_was_unpinned_as_often(cache, store, tmp_path, caplog):
    other_process = WeightsCache(tmp_path / "cache", fetch=store.fetch, budget_bytes=1000)
    files = {name: [store.add("w", name.encode() * 600)] for name in "abcd"}
    cache.pin("a")
    cache.pin("a")
    cache.folder("a", files["a"])
    other_process.folder("b", files["b"])
    assert versions(tmp_path / "cache") == {"a", "b"}  # "b" is in use itself while it is built
    assert "take more than the disk cache's 1,000 bytes" in caplog.text
    cache.unpin("a")
    other_process.folder("c", files["c"])
    assert versions(tmp_path / "cache") == {"a", "c"}
    cache.unpin("a")
    cache.unpin("a")
    other_process.folder("d", files["d"])
    assert versions(tmp_path / "cache") == {"d"}


def test_a_version_larger_than_the_budget_is_still_given(cache, store):
    file = store.add("w", b"w" * 5000)
    assert (cache.folder("v1", [file]) / "w").stat().st_size == 5000


def test_leftovers_of_dead_processes_are_removed(cache, store, tmp_path):
    root = tmp_path / "cache"
    (root / "versions" / ".building-dead" / "unet").mkdir(parents=True)
    (root / "sha256" / "ab").mkdir()
    (root / "sha256" / "ab" / f"{'ab' * 32}.part").write_bytes(b"half")
    file = store.add("w", b"w")
    cache.folder("v1", [file])
    assert versions(root) == {"v1"}
    assert blobs(root) == {file.sha256}


def test_without_hard_links_symbolic_ones_serve(cache, store, tmp_path, monkeypatch):
    def refused(*_):
        raise PermissionError("no hard links here")

    monkeypatch.setattr(os, "link", refused)
    files = {name: [store.add("unet/w", name.encode() * 600)] for name in "ab"}
    folder = cache.folder("a", files["a"])
    assert (folder / "unet" / "w").is_symlink()
    assert (folder / "unet" / "w").read_bytes() == b"a" * 600
    cache.folder("b", files["b"])
    assert blobs(tmp_path / "cache") == {files["b"][0].sha256}


@pytest.mark.parametrize("path", ["../w", "/etc/passwd", "unet/../../w", "", "w\0"])
def test_paths_outside_the_folder_are_refused(path):
    with pytest.raises(ValueError, match="no path inside"):
        WeightFile(path, "0" * 64, 1)


@pytest.mark.parametrize("version", ["", "..", "a/b", ".building-x", "a" * 200])
def test_versions_that_name_no_folder_are_refused(cache, version):
    with pytest.raises(ValueError, match="can't name a folder"):
        cache.folder(version, [])


def test_threads_that_want_the_same_version_fetch_it_once(cache, store, run_concurrently):
    files = [store.add(f"{number}", bytes([number]) * 60) for number in range(10)]
    folders = run_concurrently([lambda: cache.folder("v1", files)] * 8)
    assert len(set(folders)) == 1
    assert sorted(store.fetched) == sorted(file.sha256 for file in files)


def test_a_waiter_fetches_itself_after_a_failed_fetch(tmp_path, store):
    file = store.add("w", b"w" * 250)
    started, go_on, calls = threading.Event(), threading.Event(), []

    def fetch(digest, out):
        calls.append(digest)
        if len(calls) == 1:
            started.set()
            go_on.wait(10)
            raise ConnectionError("the store hung up")
        store.fetch(digest, out)

    cache = WeightsCache(tmp_path / "cache", fetch=fetch, budget_bytes=1000)
    answers = {}

    def ask(name):
        try:
            answers[name] = cache.folder("v1", [file])
        except ConnectionError as error:
            answers[name] = error

    threads = [threading.Thread(target=ask, args=(name,)) for name in ("first", "second")]
    threads[0].start()
    assert started.wait(10)
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert isinstance(answers["first"], ConnectionError)
    assert (answers["second"] / "w").read_bytes() == b"w" * 250
    assert len(calls) == 2


def _churn(root: str, contents: dict[str, bytes], rounds: int) -> None:
    """A process that requests versions in turn, which do not all fit, and reads each."""
    store = Store()
    files = {
        name: [store.add("unet/w", content), store.add("same", b"same" * 10)] for name, content in contents.items()
    }
    cache = WeightsCache(Path(root), fetch=store.fetch, budget_bytes=1000)
    for number in range(rounds):
        for name in sorted(contents, reverse=bool(number % 2)):
            cache.pin(name)
            folder = cache.folder(name, files[name])
            assert (folder / "unet" / "w").read_bytes() == contents[name]
            assert (folder / "same").read_bytes() == b"same" * 10
            cache.unpin(name)


def test_processes_that_evict_each_others_versions_never_see_half_a_folder(tmp_path):
    contents = {name: name.encode() * 400 for name in "abcdef"}
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_churn, args=(str(tmp_path / "cache"), contents, 60)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    WeightsCache(tmp_path / "cache", fetch=Store().fetch, budget_bytes=0)._shrink()
    assert versions(tmp_path / "cache") == set()
    assert blobs(tmp_path / "cache") == set()
