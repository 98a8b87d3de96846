"""Git LFS's batch requests and answers."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core.problems import NotUnderstood
from providers.hub import lfs
from providers.hub.lfs import Announced

DIGEST = "ab" * 32
ONE = {"oid": DIGEST, "size": 5}


def test_batch_requests_of_clients_are_read():
    asked = {"operation": "upload", "transfers": ["basic", "multipart"], "objects": [ONE], "hash_algo": "sha256"}
    found = lfs.read_batch(asked | {"ref": {"name": "main"}})
    assert (found.objects, found.takes_multipart) == ([Announced(DIGEST, 5)], True)
    assert not lfs.read_batch({"operation": "upload", "objects": []}).takes_multipart


@pytest.mark.parametrize(
    "wrong",
    [
        {"operation": "download"},
        {"hash_algo": "sha1"},
        {"objects": None},
        {"transfers": "basic"},
        {"objects": [{}]},
        {"objects": [None]},
        {"objects": [ONE | {"oid": "x"}]},
        {"objects": [ONE | {"size": -1}]},
        {"objects": [ONE | {"size": True}]},
        {"objects": [ONE] * 1001},
    ],
)
def test_other_batch_requests_are_refused(wrong: dict[str, Any]):
    with pytest.raises(NotUnderstood):
        lfs.read_batch({"operation": "upload", "transfers": ["basic"], "objects": [ONE]} | wrong)


@given(st.integers(1, lfs.MAX_FILE_BYTES))
def test_the_parts_make_up_the_file(size: int):
    count = lfs.parts_of(size)
    assert count == math.ceil(size / lfs.PART_BYTES) <= 10_000
    assert lfs.part_size(size, 1) * (count - 1) + lfs.part_size(size, count) == size
    assert lfs.part_size(size, 0) == lfs.part_size(size, count + 1) == 0
    assert 0 < lfs.part_size(size, count) <= lfs.PART_BYTES


@pytest.mark.parametrize(
    "wrong",
    [
        {"oid": "cd" * 32},
        {"parts": None},
        {"parts": [1, 2, 3]},
        {"parts": [{"partNumber": 1, "etag": "a"}]},
        {"parts": [{"partNumber": number, "etag": "a"} for number in (2, 1, 3)]},
        {"parts": [{"partNumber": number, "etag": "a"} for number in (1, 2, 3, 4)]},
    ],
)
def test_parts_are_declared_each_once_and_in_order(wrong: dict[str, Any]):
    announced = Announced(DIGEST, 3 * lfs.PART_BYTES - 1)
    parts = [{"partNumber": number, "etag": f'"{number}"'} for number in (1, 2, 3)]
    assert lfs.read_completion({"oid": DIGEST, "parts": parts}, announced=announced) == ["1", "2", "3"]
    with pytest.raises(NotUnderstood):
        lfs.read_completion({"oid": DIGEST, "parts": parts} | wrong, announced=announced)
