"""Downloads: whole, ranges, conditional, missing files."""

import os
from pathlib import Path

import pytest

from marketplace.core.storage import blob_store
from tests.integration.hub.conftest import Client, sha256

CARD = b"---\nlicense: apache-2.0\n---\nIcons.\n"
UNET = "unet/diffusion_pytorch_model.safetensors"
SIZE = 5_000


@pytest.fixture
def commit(client: Client, repository: str, weights: bytes) -> str:
    client.upload(repository, weights)
    commit: str = client.commit(repository, {"README.md": CARD}, large={UNET: weights}).json()["commitOid"]
    return commit


def test_a_file_comes_with_what_clients_need(client: Client, repository: str, commit: str, weights: bytes):
    answer = client.get(repository, UNET)
    head = client.request("HEAD", f"/{repository}/resolve/{commit}/{UNET}")
    assert (answer.status, answer.body, head.status, head.body) == (200, weights, 200, b"")
    assert head.headers == answer.headers
    assert {name: answer.headers[name] for name in ("etag", "x-repo-commit", "content-length", "accept-ranges")} == {
        "etag": f'"{sha256(weights)}"',
        "x-repo-commit": commit,
        "content-length": str(SIZE),
        "accept-ranges": "bytes",
    }
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert "x-xet-hash" not in answer.headers
    small = client.get(repository, "README.md")
    assert (small.body, len(small.headers["etag"])) == (CARD, 42)


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [("bytes=0-", 0, SIZE), ("bytes=4000-", 4000, SIZE), ("bytes=0-0", 0, 1), ("bytes=-10", SIZE - 10, SIZE)],
)
def test_parts(client: Client, repository: str, commit: str, weights: bytes, asked: str, start: int, end: int):
    answer = client.get(repository, UNET, Range=asked)
    assert (answer.status, answer.body) == (206, weights[start:end])
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{SIZE}"
    assert answer.headers["x-repo-commit"] == commit
    other = client.get(repository, UNET, **{"Range": asked, "If-Range": '"other"'})
    assert (other.status, other.body) == (200, weights)
    same = client.get(repository, UNET, **{"Range": asked, "If-Range": f'"{sha256(weights)}"'})
    assert (same.status, same.body) == (206, weights[start:end])


def test_a_part_behind_the_end_is_refused(client: Client, repository: str, commit: str):
    answer = client.get(repository, UNET, Range=f"bytes={SIZE}-")
    assert (answer.status, answer.body, answer.headers["content-range"]) == (416, b"", f"bytes */{SIZE}")


def test_a_matching_etag_answers_304(client: Client, repository: str, commit: str, weights: bytes):
    answer = client.get(repository, UNET, **{"If-None-Match": f'"{sha256(weights)}"'})
    assert (answer.status, answer.body, answer.headers["x-repo-commit"]) == (304, b"", commit)


def test_a_missing_file_answers_with_its_commit(client: Client, repository: str, commit: str):
    for path in ("vae/config.json", "unet", "x" * 3_000, "%00", "%2e%2e/x", "README.md/"):
        for method in ("GET", "HEAD"):
            answer = client.request(method, f"/{repository}/resolve/main/{path}")
            assert (answer.status, answer.headers["x-error-code"]) == (404, "EntryNotFound"), path
            assert answer.headers["x-repo-commit"] == commit


def test_an_empty_file(client: Client, repository: str):
    client.commit(repository, {"tokenizer/merges.txt": b""})
    answer = client.get(repository, "tokenizer/merges.txt")
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "0")


@pytest.mark.usefixtures("commit")
def test_a_lost_blob_is_an_error(client: Client, repository: str, blobs: Path, weights: bytes):
    digest = sha256(weights)
    os.unlink(blobs / "sha256" / digest[:2] / digest)
    assert not blob_store().has(digest)
    for method in ("GET", "HEAD"):
        assert client.request(method, f"/{repository}/resolve/main/{UNET}").status == 404
