"""A safetensors file that is inconsistent, or that the library refuses, is refused."""

import json
import struct
import tempfile
from math import prod
from pathlib import Path
from typing import Any

import numpy
import pytest
import safetensors
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.validation.safetensors import DamagedWeights, check_safetensors
from providers.validation.source import LocalSource
from tests.support.folders import weights

DTYPES = ["bool", "uint8", "int8", "int16", "uint16", "float16", "int32", "float32", "int64", "uint64", "float64"]


def check(content: bytes) -> int:
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        return check_safetensors(LocalSource(Path(file.name)))


def refused(content: bytes) -> bool:
    try:
        check(content)
    except DamagedWeights:
        return True
    return False


def tensor(begin: Any, end: Any, shape: Any = None, dtype: Any = "U8") -> dict[str, Any]:
    return {"dtype": dtype, "shape": [end - begin] if shape is None else shape, "data_offsets": [begin, end]}


TENSORS = st.dictionaries(
    st.text(max_size=12).filter(lambda name: name != "__metadata__" and name.isprintable()),
    st.tuples(st.sampled_from(DTYPES), st.lists(st.integers(0, 4), max_size=3)),
    max_size=6,
)


@given(TENSORS, st.none() | st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2))
def test_what_the_library_writes_is_taken_and_counted(tensors: dict[str, tuple[str, list[int]]], metadata: Any):
    arrays = {name: numpy.zeros(shape, dtype) for name, (dtype, shape) in tensors.items()}
    content = safetensors.numpy.save(arrays, metadata=metadata if arrays else None)  # else it writes no JSON
    assert check(content) == sum(prod(shape) for _, shape in tensors.values())


@given(TENSORS, st.integers(1, 64))
def test_a_file_cut_short_or_with_more_at_its_end_is_refused(tensors: dict[str, tuple[str, list[int]]], count: int):
    content = safetensors.numpy.save({name: numpy.zeros(shape, dtype) for name, (dtype, shape) in tensors.items()})
    assert refused(content[:-count])
    assert refused(content + b"\0" * count)


NUMBERS = st.integers(-4, 20) | st.sampled_from([True, 1.0, "1", None, 2**63, 2**64, -(2**63)])
DAMAGE = st.one_of(
    st.tuples(st.just("dtype"), st.sampled_from(["F32", "U16", "BF16", "F8_E4M3", "F4", "u8", "", None, 3, ["U8"]])),
    st.tuples(st.just("shape"), st.lists(NUMBERS, max_size=3) | st.sampled_from([None, "4", 4, {}])),
    st.tuples(st.just("data_offsets"), st.lists(NUMBERS, max_size=3) | st.sampled_from([None, "01", 4, {"0": 1}])),
    st.tuples(st.just("more"), st.just(1)),
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A file of a few tensors, with up to one error in its header and up to one around it."""
    header: dict[str, Any] = {}
    end = 0
    for name in draw(st.lists(st.sampled_from("abcdef"), unique=True, max_size=4)):
        size = draw(st.integers(0, 6))
        header[name] = tensor(end, end + size)
        end += size
    if header and draw(st.booleans()):
        field, value = draw(DAMAGE)
        header[draw(st.sampled_from(sorted(header)))][field] = value
    metadata = draw(st.sampled_from(["none", {}, {"a": "b"}, {"a": 1}, None, [], "x", 5]))
    if metadata != "none":
        header["__metadata__"] = metadata
    before, after = draw(st.sampled_from([("", ""), ("", "  "), ("", "\n"), ("", "\0"), (" ", ""), ("\ufeff", "")]))
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-16", "utf-32-le"]))
    text = (before + json.dumps(header) + after).encode(encoding)
    return weights(text, data=b"\0" * (end + draw(st.sampled_from([0, 0, 0, 1, -1])) if end else 0))


@settings(max_examples=500)
@given(damaged())
def test_nothing_that_the_library_refuses_is_taken(content: bytes):
    if not refused(content):
        safetensors.deserialize(content)


@given(st.binary(max_size=64))
def test_random_bytes_are_refused_or_readable(content: bytes):
    if not refused(content):
        safetensors.deserialize(content)


@pytest.mark.parametrize(
    ("header", "size"),
    [
        ({"a": tensor(0, 4), "b": tensor(4, 8)}, 8),
        ({"b": tensor(4, 8), "a": tensor(0, 4)}, 8),
        ({"a": tensor(0, 0), "b": tensor(0, 4), "c": tensor(4, 4)}, 4),
        ({"a": tensor(0, 4, [])}, 4),
        ({}, 0),
        ({"__metadata__": {"format": "pt"}}, 0),
    ],
    ids=["in order", "out of order", "empty tensors", "scalar", "no tensor", "only metadata"],
)
def test_tensors_that_tile_the_file_are_taken(header: dict[str, Any], size: int):
    if "a" in header and header["a"]["shape"] == []:
        header["a"]["dtype"] = "F32"
    content = weights(header, data=b"\0" * size)
    count = sum(prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__")
    assert check(content) == count
    safetensors.deserialize(content)


@pytest.mark.parametrize(
    "header",
    [
        {"a": tensor(0, 8), "b": tensor(0, 8)},
        {"a": tensor(0, 5), "b": tensor(4, 8)},
        {"a": tensor(0, 3), "b": tensor(4, 8)},
        {"a": tensor(1, 8)},
        {"a": tensor(0, 7)},
        {"a": tensor(0, 9)},
        {"a": tensor(0, 8), "b": tensor(3, 3)},
        {"a": tensor(0, 8, [2, 5])},
        {"a": tensor(0, 8, [4])},
        {"a": tensor(0, 8, [-2, -4])},
        {"a": tensor(0, 8, [8, 2**64, 0])},
        {"a": tensor(0, 8), "b": tensor(8, 8, [2**40, 2**40, 0])},
        {"a": tensor(8, 0, [8])},
        {"a": tensor(0, 8, [8.0])},
        {"a": tensor(0, 8, [True, 8])},
        {"a": tensor(0, 8, "8")},
        {"a": tensor(0, 8, dtype="F4")},
        {"a": tensor(0, 8, dtype=["U8"])},
        {"a": None},
        {"a": []},
        {"a": {}},
        {"a": {"dtype": "U8", "shape": [8], "data_offsets": [0, 8, 8]}},
        {"a": tensor(0, 8), "__metadata__": 5},
        {"a": tensor(0, 8), "__metadata__": {"format": 1}},
        {"a": tensor(0, 8), "__metadata__": {"format": {"deep": "x"}}},
    ],
    ids=str,
)
def test_inconsistent_tensors_are_refused(header: dict[str, Any]):
    content = weights(header, data=b"\0" * 8)
    assert refused(content)


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"5",
        b'"x"',
        b"not json",
        b"\xff\xfe{\0}\0",
        b" {}",
        b"\xef\xbb\xbf{}",
        b"{}x",
        b"[" * 100_000,
        b'{"a": ' + b"9" * 5_000 + b"}",
        b'{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}',
        b'{"a":{"dtype":"F32","dtype":"U8","shape":[8],"data_offsets":[0,8]}}',
        b'{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"__metadata__":{"x":NaN}}',
    ],
    ids=lambda header: repr(header[:40]),
)
def test_an_invalid_header_is_refused(header: bytes):
    assert refused(weights(header, data=b"\0" * 8))
    assert refused(weights(header, data=b""))


@pytest.mark.parametrize("length", [0, 1, 10**4, 2**31, 100 * 1024 * 1024, 2**63, 2**64 - 1])
def test_an_impossible_length_is_refused_before_anything_is_read(length: int):
    assert refused(weights(b"{}", length=length))
    assert refused(struct.pack("<Q", length)[:7])


def test_a_pickle_is_no_safetensors_file():
    import pickle

    assert refused(pickle.dumps({"weight": [1.0] * 100}))
    assert refused(b"")
