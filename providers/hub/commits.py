"""Reads a commit as Hub clients send it: one JSON object a line (NDJSON), first a header, then the operations."""

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from marketplace.core.problems import NotUnderstood, TooLarge

MAX_INLINE_BYTES = 10 * 1024 * 1024  # bytes of a file whose content is inside the commit
MAX_LINE_BYTES = MAX_INLINE_BYTES * 4 // 3 + 4096
MAX_BODY_BYTES = 256 * 1024 * 1024
MAX_OPERATIONS = 1_000
MAX_PATH_LENGTH = 1_000
MAX_MESSAGE_LENGTH = 2_000  # characters
SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True)
class Header:
    """The message, and the parent commit that the client expects, if it names one."""

    summary: str
    description: str
    parent: str | None


@dataclass(frozen=True)
class InlineFile:
    path: str
    content: bytes


@dataclass(frozen=True)
class LargeFile:
    """A file that was uploaded before; `size` is None if the client copies it from another repository."""

    path: str
    sha256: str
    size: int | None


@dataclass(frozen=True)
class DeletedFile:
    path: str


@dataclass(frozen=True)
class DeletedFolder:
    path: str


Operation = InlineFile | LargeFile | DeletedFile | DeletedFolder
Line = Header | Operation


class CommitReader:
    """Reads the lines of a commit from pieces of its body. At most one line is in memory."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._line = 0
        self._operations = 0
        self._has_header = False

    def feed(self, piece: bytes) -> Iterator[Line]:
        """The lines that this piece completes.

        Raises:
            NotUnderstood: a line is malformed; the message has its number.
            TooLarge: a line is too long, or there are too many.
        """
        start = 0
        while (end := piece.find(b"\n", start)) >= 0:
            self._take(piece[start:end])
            start = end + 1
            yield from self._finish_line()
        self._take(piece[start:])

    def end(self) -> Iterator[Line]:
        """The last line, if the body did not end with a line break. Raises as `feed`."""
        yield from self._finish_line()
        if not self._has_header:
            raise NotUnderstood("The commit has no header line; send one with its summary first.")

    def _take(self, part: bytes) -> None:
        if len(self._rest) + len(part) > MAX_LINE_BYTES:
            raise TooLarge(
                f"Line {self._line + 1} of the commit is longer than {MAX_LINE_BYTES} bytes: a file inside a commit "
                f"may have {MAX_INLINE_BYTES}; upload larger ones through LFS, as the client does by itself."
            )
        self._rest += part

    def _finish_line(self) -> Iterator[Line]:
        text = bytes(self._rest)
        self._rest.clear()
        self._line += 1
        if not text.strip():
            return
        line = self._read(text)
        if isinstance(line, Header) == self._has_header:
            raise self._wrong("the header must come first, and once")
        self._has_header = True
        if not isinstance(line, Header):
            self._operations += 1
            if self._operations > MAX_OPERATIONS:
                raise TooLarge(f"A commit may change {MAX_OPERATIONS} files at most; split it.")
        yield line

    def _read(self, text: bytes) -> Line:
        try:
            document = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise self._wrong("it is not JSON") from None
        value = document.get("value") if isinstance(document, dict) else None
        if not isinstance(value, dict):
            raise self._wrong('it must be an object with a "key" and a "value" that is an object')
        match document.get("key"):
            case "header":
                return self._header(value)
            case "file":
                return InlineFile(self._path(value), self._content(value))
            case "lfsFile":
                return self._large_file(value)
            case "deletedFile":
                return DeletedFile(self._path(value))
            case "deletedFolder":
                return DeletedFolder(self._path(value))
            case key:
                raise self._wrong(f"this market does not know {str(key)[:40]!r}")

    def _header(self, value: dict[str, Any]) -> Header:
        summary, description = value.get("summary"), value.get("description") or ""
        parent = value.get("parentCommit")
        if not isinstance(summary, str) or not isinstance(description, str):
            raise self._wrong("summary and description must be texts")
        if parent is not None and not isinstance(parent, str):
            raise self._wrong("parentCommit must be a text")
        return Header(summary[:MAX_MESSAGE_LENGTH], description[:MAX_MESSAGE_LENGTH], parent)

    def _path(self, value: dict[str, Any]) -> str:
        path = value.get("path")
        if not isinstance(path, str):
            raise self._wrong("path must be a text")
        path = path.removesuffix("/")
        if not path or len(path) > MAX_PATH_LENGTH or not path.isprintable():
            raise self._wrong(f"path must have 1 to {MAX_PATH_LENGTH} printable characters")
        if not all(part not in ("", ".", "..") for part in path.split("/")) or "\\" in path:
            raise self._wrong(f"{path!r} is no path inside a repository")
        return path

    def _content(self, value: dict[str, Any]) -> bytes:
        content = value.get("content")
        if not isinstance(content, str) or value.get("encoding", "base64") != "base64":
            raise self._wrong("content must be base64")
        try:
            data = base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError):
            raise self._wrong("content must be base64") from None
        if len(data) > MAX_INLINE_BYTES:
            raise TooLarge(f"{self._path(value)}: has {len(data)} bytes; inside a commit, {MAX_INLINE_BYTES} may come.")
        return data

    def _large_file(self, value: dict[str, Any]) -> LargeFile:
        path, sha256, size = self._path(value), value.get("oid"), value.get("size")
        if value.get("algo", "sha256") != "sha256" or not isinstance(sha256, str) or not SHA256.fullmatch(sha256):
            raise self._wrong(f"{path}: oid must be a SHA-256 in lower-case hexadecimal")
        if size is not None and type(size) is not int:
            raise self._wrong(f"{path}: size must be a whole number")
        return LargeFile(path, sha256, size)

    def _wrong(self, reason: str) -> NotUnderstood:
        return NotUnderstood(f"Line {self._line} of the commit cannot be used: {reason}.")
