"""Object ids are those of git."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.hub import git


@pytest.mark.parametrize(
    ("data", "oid"),
    [(b"", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"), (b"hello\n", "ce013625030ba8dba906f756967f9e9ca394464a")],
)
def test_known_names(data: bytes, oid: str):
    assert git.blob_oid(data) == oid


def test_folders_are_named_as_git_names_them(tmp_path: Path):
    files = {"a.txt": b"1", "a/b.txt": b"2", "a/c/d": b"3", "a-b": b"4", "b": b""}
    for path, data in files.items():
        target = tmp_path / path.replace("a/", "x/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    def run(*arguments: str) -> str:
        quiet = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "PATH": "/usr/bin:/bin"}
        return (
            subprocess.run(["git", *arguments], cwd=tmp_path, env=quiet, check=True, capture_output=True)
            .stdout.decode()
            .strip()
        )

    run("init", "-q")
    run("add", ".")
    names = {path.replace("a/", "x/"): git.blob_oid(data) for path, data in files.items()}
    assert git.folder_oid(names) == run("write-tree")


@given(st.sampled_from(["a.json", "model.safetensors", "x/y.txt"]), st.integers(0, 2**31))
def test_weights_and_what_is_large_go_through_lfs_but_nothing_empty(path: str, size: int):
    assert git.is_lfs(path, size) == (size > 0 and (path.endswith(".safetensors") or size > 1024 * 1024))


def test_a_pointer_is_what_git_lfs_writes():
    digest = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"
    assert git.pointer(digest, 12345).decode() == (
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize 12345\n"
    )
