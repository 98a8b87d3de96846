"""Files by signed link, with ranges, read in a thread so that nobody else waits for the disk."""

import asyncio
import logging
import re
import uuid
from collections.abc import AsyncIterator

from marketplace.api.front.authentication import holds_link
from marketplace.api.front.http import Request, Response
from marketplace.api.front.resources import Resources
from marketplace.core.ids import parse_short
from marketplace.core.problems import Forbidden, NotFound
from marketplace.core.storage import BlobMissing, blob_store

log = logging.getLogger(__name__)

RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
EXTENSIONS = {"image/png": "png", "image/webp": "webp", "image/jpeg": "jpg", "application/json": "json"}
ARTIFACT = """
SELECT sha256, media_type, size FROM inference_artifact WHERE id = %(id)s
UNION ALL SELECT sha256, media_type, size FROM inference_example WHERE id = %(id)s
"""


async def download(request: Request, resources: Resources, *, id: str) -> Response:
    """`GET /artifacts/{id}?expires=…&signature=…`"""
    if not holds_link(request):
        raise Forbidden("This link has expired or is incomplete. Get the prediction again for a fresh one.")
    artifact = parse_short(id)
    row = await resources.fetch_one(ARTIFACT, {"id": artifact or uuid.UUID(int=0)})
    if row is None:
        raise gone()
    return await send_file(request, name=id, **row)


async def send_file(request: Request, *, name: str, sha256: str, media_type: str, size: int) -> Response:
    """A file of the store, or the part of it that was asked for.

    Raises:
        NotFound: its bytes are gone.
    """
    headers = {
        "Content-Type": media_type,
        "ETag": f'"{sha256}"',
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, max-age=86400, immutable",
        "Content-Disposition": f'inline; filename="{name}.{EXTENSIONS.get(media_type, "bin")}"',
        # A file that some model made must not act as a page of ours, whatever it holds.
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    if request.header("if-none-match") == headers["ETag"]:
        return Response(304, headers=headers)
    span = _span(request.header("range"), size)
    start, end = span or (0, size)
    if span and start >= end:
        return Response(416, headers={"Content-Range": f"bytes */{size}"})
    headers["Content-Length"] = str(end - start)
    if span:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    stream = await _pieces(sha256, start, end - start)
    return Response(206 if span else 200, stream=stream, headers=headers)


def gone() -> NotFound:
    return NotFound("There is no such file any more")


def _span(header: str | None, size: int) -> tuple[int, int] | None:
    """Begin and end of the one range asked for; None: no range, or a form that may be ignored (RFC 9110, 14.2)."""
    match = RANGE.fullmatch(header or "")
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1 if last else size)


async def _pieces(sha256: str, start: int, length: int) -> AsyncIterator[bytes]:
    """The bytes asked for. The first are read at once, so that a file that is gone is no success that breaks off."""
    pieces = blob_store().chunks(sha256, start=start, length=length)
    try:
        first = await asyncio.to_thread(next, pieces, b"")
    except BlobMissing as error:
        log.error("an artifact has no bytes: %s", error)
        raise gone() from None

    async def stream() -> AsyncIterator[bytes]:
        piece = first
        while piece:
            yield piece
            piece = await asyncio.to_thread(next, pieces, b"")

    return stream()
