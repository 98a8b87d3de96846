"""Compresses the front's documents. Streams, and so events and blobs, are left as they are.

These documents are answers to keys and links, which another site's page cannot make a browser send: what one of them
reflects cannot be used to guess its secrets (BREACH). Django's pages have a middleware of their own.
"""

import asyncio
from dataclasses import replace

from marketplace.api.front.http import Request, Response
from marketplace.core.compression import MIN_DOCUMENT_BYTES, accepts_gzip, gzipped, is_text

MAX_BYTES_AT_ONCE = 64 * 1024  # about a millisecond; longer bodies are compressed in a thread


async def compressed(request: Request, response: Response) -> Response:
    """The answer in the form that the client accepts."""
    if len(response.body) < MIN_DOCUMENT_BYTES or not is_text(response.headers.get("Content-Type", "")):
        return response
    headers = dict(response.headers) | {"Vary": "Accept-Encoding"}
    if not accepts_gzip(request.header("accept-encoding") or ""):
        return replace(response, headers=headers)
    small = len(response.body) <= MAX_BYTES_AT_ONCE
    body = gzipped(response.body) if small else await asyncio.to_thread(gzipped, response.body)
    return replace(response, body=body, headers=headers | {"Content-Encoding": "gzip"})
