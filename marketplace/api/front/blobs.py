"""Blobs as answers: whole, in part, or 304; read in a thread so that other requests do not wait for the disk."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Mapping

from marketplace.api.front.http import Request, Response
from marketplace.core.problems import NotFound
from marketplace.core.storage import BlobMissing, blob_store

log = logging.getLogger(__name__)

RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


async def blob_response(request: Request, *, sha256: str, size: int, headers: Mapping[str, str]) -> Response:
    """The blob, or the requested range of it, or 304 if the client has it.

    Args:
        headers: the answer's headers; must include the ETag.

    Raises:
        NotFound: it is missing from the store.
    """
    headers = dict(headers) | {"Accept-Ranges": "bytes"}
    if is_known(headers["ETag"], request.header("if-none-match")):
        return Response(304, headers=headers)
    span = None if request.header("if-range") not in (None, headers["ETag"]) else span_of(request.header("range"), size)
    start, end = span or (0, size)
    if span and start >= end:
        return Response(416, headers=headers | {"Content-Range": f"bytes */{size}"})
    headers["Content-Length"] = str(end - start)
    if span:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    stream = await (_nothing(sha256) if request.method == "HEAD" else _pieces(sha256, start, end - start))
    return Response(206 if span else 200, stream=stream, headers=headers)


def is_known(etag: str, header: str | None) -> bool:
    """Whether an If-None-Match names this ETag: alone, among others, weakened on the way, or as `*`."""
    named = [part.strip().removeprefix("W/") for part in (header or "").split(",")]
    return etag in named or named == ["*"]


def gone() -> NotFound:
    """The error for a file that does not exist or no longer exists."""
    return NotFound("There is no such file any more")


def _lost(error: BlobMissing) -> NotFound:
    log.error("a file has no bytes: %s", error)
    return gone()


def span_of(header: str | None, size: int) -> tuple[int, int] | None:
    """Begin and end of the one requested range; None: no range, or a form that may be ignored (RFC 9110, 14.2)."""
    match = RANGE.fullmatch(header or "")
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1 if last else size)


async def _nothing(sha256: str) -> AsyncIterator[bytes]:
    """An empty stream. Raises NotFound if the blob is missing from the store."""
    if not await asyncio.to_thread(blob_store().has, sha256):
        raise _lost(BlobMissing(f"blob {sha256} is not in the store"))

    return _empty()


async def _empty() -> AsyncIterator[bytes]:
    pieces: tuple[bytes, ...] = ()
    for piece in pieces:
        yield piece


async def _pieces(sha256: str, start: int, length: int) -> AsyncIterator[bytes]:
    """The requested bytes. The first are read at once, so that a missing file gives 404 and not a broken stream."""
    pieces = blob_store().chunks(sha256, start=start, length=length)
    try:
        first = await asyncio.to_thread(next, pieces, b"")
    except BlobMissing as error:
        raise _lost(error) from None

    async def stream() -> AsyncIterator[bytes]:
        piece = first
        while piece:
            yield piece
            piece = await asyncio.to_thread(next, pieces, b"")

    return stream()
