"""Writes a request's body to the blob store as it arrives, so that no upload is held in memory."""

import asyncio

from marketplace.api.front.http import Request
from marketplace.core.problems import FieldError, Invalid
from marketplace.core.storage import Draft, StoredBlob, blob_store

WRITE_BYTES = 1024 * 1024  # bytes collected for each write in a thread


async def receive_blob(request: Request, *, limit: int, expected: StoredBlob | None = None) -> StoredBlob:
    """Store the body. It is on disk when this returns.

    Args:
        limit: the maximum number of bytes.
        expected: the digest and size that the sender announced, if any.

    Raises:
        TooLarge: it has more bytes than `limit`.
        Invalid: it differs from the announcement. Nothing was stored.
        Disconnected: the client disconnected. Nothing was stored.
    """
    with blob_store().draft() as draft:
        await _write(request, draft, limit)
        if expected is not None and (draft.sha256, draft.size) != (expected.sha256, expected.size):
            raise not_as_announced(StoredBlob(draft.sha256, draft.size), expected)
        return await asyncio.to_thread(draft.save)


async def receive_part(request: Request, *, size: int, name: str) -> str:
    """Stage the body as `name`, one part of a file that is uploaded in parts.

    Args:
        size: the exact number of bytes.

    Returns:
        its SHA-256 in hexadecimal.

    Raises:
        TooLarge: it has more bytes.
        Invalid: it has fewer. Nothing was stored.
        Disconnected: the client disconnected. Nothing was stored.
    """
    with blob_store().draft() as draft:
        await _write(request, draft, size)
        if draft.size != size:
            raise Invalid(f"{draft.size} bytes came, where this part has {size}; send the part again")
        await asyncio.to_thread(draft.stage, name)
        return draft.sha256


def not_as_announced(came: StoredBlob, announced: StoredBlob) -> Invalid:
    """The error for an upload whose size or digest is not the announced one."""
    detail = (
        f"{came.size} bytes with SHA-256 {came.sha256} came, where {announced.size} bytes with "
        f"{announced.sha256} were announced; send the file again"
    )
    return Invalid("The upload is not what was announced. Nothing was stored.", errors=[FieldError("", detail)])


async def _write(request: Request, draft: Draft, limit: int) -> None:
    waiting = bytearray()
    async for piece in request.pieces(largest=limit):
        waiting += piece
        if len(waiting) >= WRITE_BYTES:
            await asyncio.to_thread(draft.write, bytes(waiting))
            waiting.clear()
    await asyncio.to_thread(draft.write, bytes(waiting))
