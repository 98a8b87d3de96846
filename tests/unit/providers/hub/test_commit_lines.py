"""Commits as NDJSON: read the same in any chunks, refused with the line number."""

import base64
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core.problems import NotUnderstood, Problem, TooLarge
from providers.hub.commits import (
    MAX_INLINE_BYTES,
    MAX_LINE_BYTES,
    MAX_OPERATIONS,
    CommitReader,
    DeletedFile,
    DeletedFolder,
    Header,
    InlineFile,
    LargeFile,
    Line,
)

HEADER = {"key": "header", "value": {"summary": "s", "description": ""}}
SEGMENTS = st.text(alphabet="abcXYZ019._- é", min_size=1, max_size=8).filter(lambda text: text not in (".", ".."))
PATHS = st.lists(SEGMENTS, min_size=1, max_size=3).map("/".join)
DIGESTS = st.text(alphabet="0123456789abcdef", min_size=64, max_size=64)
OPERATIONS = st.one_of(
    st.builds(InlineFile, PATHS, st.binary(max_size=50)),
    st.builds(LargeFile, PATHS, DIGESTS, st.none() | st.integers(0, 2**40)),
    st.builds(DeletedFile, PATHS),
    st.builds(DeletedFolder, PATHS),
)
HEADERS = st.builds(Header, st.text(max_size=30), st.text(max_size=30), st.none() | st.text(max_size=40))


def as_sent(line: Line) -> dict[str, Any]:
    match line:
        case Header(summary, description, parent):
            value = {"summary": summary, "description": description}
            return {"key": "header", "value": value | ({} if parent is None else {"parentCommit": parent})}
        case InlineFile(path, content):
            content = base64.b64encode(content).decode()
            return {"key": "file", "value": {"path": path, "content": content, "encoding": "base64"}}
        case LargeFile(path, sha256, size):
            value = {"path": path, "algo": "sha256", "oid": sha256}
            return {"key": "lfsFile", "value": value | ({} if size is None else {"size": size})}
        case DeletedFile(path):
            return {"key": "deletedFile", "value": {"path": path}}
        case DeletedFolder(path):
            return {"key": "deletedFolder", "value": {"path": path + "/"}}


def read(body: bytes, *cuts: int) -> list[Line]:
    reader, found, start = CommitReader(), [], 0
    for cut in [*sorted(cuts), len(body)]:
        found += reader.feed(body[start:cut])
        start = cut
    return found + list(reader.end())


def ndjson(*documents: Any) -> bytes:
    return b"".join(json.dumps(document).encode() + b"\n" for document in documents)


@given(HEADERS, st.lists(OPERATIONS, max_size=6), st.booleans(), st.data())
def test_a_commit_reads_the_same_however_it_is_cut(
    header: Header, operations: list[Any], ends_with_a_break: bool, data: st.DataObject
):
    body = ndjson(*map(as_sent, [header, *operations]))
    body = body if ends_with_a_break else body[:-1]
    cuts = data.draw(st.lists(st.integers(0, len(body)), max_size=8))
    assert read(body, *cuts) == [header, *operations]


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=4))
def test_any_bytes_are_read_or_refused(body: bytes, cuts: list[int]):
    with pytest.raises(Problem):
        read(body, *[min(cut, len(body)) for cut in cuts])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(
    st.sampled_from(["file", "lfsFile", "deletedFile", "deletedFolder", "header", "x"]),
    st.dictionaries(st.sampled_from(["path", "content", "encoding", "oid", "size", "algo", "summary"]), JSON) | JSON,
)
def test_odd_values_are_refused_and_nothing_else_happens(key: str, value: Any):
    try:
        found = read(ndjson(HEADER, {"key": key, "value": value}))
    except Problem:
        return
    (line,) = found[1:]
    assert read(ndjson(HEADER, as_sent(line))) == found


@pytest.mark.parametrize(
    "path",
    ["", "/", "/etc/passwd", "../x", "a/../b", "a/..", "./a", "a//b", "a\\..\\b", "a\0b", "a\nb", "x" * 1001, 7, None],
)
def test_a_path_that_leaves_its_folder_is_refused(path: Any):
    for key in ("file", "lfsFile", "deletedFile", "deletedFolder"):
        value = {"path": path, "content": "", "oid": "0" * 64, "size": 0}
        with pytest.raises(NotUnderstood, match="Line 2 of the commit cannot be used"):
            read(ndjson(HEADER, {"key": key, "value": value}))


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([], "no header line"),
        ([{"key": "deletedFile", "value": {"path": "a"}}], "Line 1 .* the header must come first"),
        ([HEADER, HEADER], "Line 2 .* the header must come first, and once"),
        ([HEADER, {"key": "copyFile", "value": {}}], "does not know 'copyFile'"),
        ([HEADER, [1]], "must be an object"),
        ([{"key": "header", "value": {"summary": 1}}], "summary and description must be texts"),
        ([HEADER, {"key": "file", "value": {"path": "a", "content": "*"}}], "content must be base64"),
        ([HEADER, {"key": "file", "value": {"path": "a", "content": "", "encoding": "utf-8"}}], "must be base64"),
        ([HEADER, {"key": "lfsFile", "value": {"path": "a", "oid": "0" * 63}}], "a: oid must be a SHA-256"),
        ([HEADER, {"key": "lfsFile", "value": {"path": "a", "oid": "A" * 64}}], "a: oid must be a SHA-256"),
        ([HEADER, {"key": "lfsFile", "value": {"path": "a", "oid": "0" * 64, "size": "1"}}], "size must be"),
    ],
)
def test_the_refusal_names_the_line_and_the_reason(lines: list[Any], reason: str):
    with pytest.raises(NotUnderstood, match=reason):
        read(ndjson(*lines))


def test_too_large_lines_are_refused_before_they_are_buffered():
    with pytest.raises(TooLarge, match=re.escape(f"Line 2 of the commit is longer than {MAX_LINE_BYTES} bytes")):
        read(ndjson(HEADER) + b" " * (MAX_LINE_BYTES + 1))
    content = base64.b64encode(bytes(MAX_INLINE_BYTES + 1)).decode()
    with pytest.raises(TooLarge, match=re.escape(f"a.txt: has {MAX_INLINE_BYTES + 1} bytes")):
        read(ndjson(HEADER, {"key": "file", "value": {"path": "a.txt", "content": content}}))
    lines = [{"key": "deletedFile", "value": {"path": "a"}}] * (MAX_OPERATIONS + 1)
    with pytest.raises(TooLarge, match="split it"):
        read(ndjson(HEADER, *lines))
