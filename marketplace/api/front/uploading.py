"""Taking a request's body into the blob store as it arrives, so that no upload is held in memory."""

import asyncio

from marketplace.api.front.http import Request
from marketplace.core.problems import FieldError, Invalid
from marketplace.core.storage import StoredBlob, blob_store

WRITE_BYTES = 1024 * 1024  # a thread is asked for each so many bytes rather than for each small piece


async def receive_blob(request: Request, *, limit: int, expected: StoredBlob | None = None) -> StoredBlob:
    """Store the body; once this returns, it is on disk.

    Args:
        limit: bytes that it may have at most.
        expected: what the sender announced, if it did.

    Raises:
        TooLarge: it has more bytes than `limit`.
        Invalid: it is not what was announced. Nothing was stored.
        Disconnected: the client went away. Nothing was stored.
    """
    with blob_store().draft() as draft:
        waiting = bytearray()
        async for piece in request.pieces(largest=limit):
            waiting += piece
            if len(waiting) >= WRITE_BYTES:
                await asyncio.to_thread(draft.write, bytes(waiting))
                waiting.clear()
        await asyncio.to_thread(draft.write, bytes(waiting))
        if expected is not None and (draft.sha256, draft.size) != (expected.sha256, expected.size):
            detail = (
                f"{draft.size} bytes with SHA-256 {draft.sha256} came, where {expected.size} bytes with "
                f"{expected.sha256} were announced; send the file again"
            )
            raise Invalid("The upload is not what was announced. Nothing was stored.", errors=[FieldError("", detail)])
        return await asyncio.to_thread(draft.keep)
