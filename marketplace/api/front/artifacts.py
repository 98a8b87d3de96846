"""Files by signed link, with ranges, read in a thread so that other requests do not wait for the disk."""

import uuid

from marketplace.api.front.authentication import holds_link
from marketplace.api.front.blobs import blob_response, gone
from marketplace.api.front.http import Request, Response
from marketplace.api.front.resources import Resources
from marketplace.core.ids import parse_short
from marketplace.core.problems import Forbidden

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
    """A file of the store, or the requested part of it.

    Raises:
        NotFound: its bytes are missing from the store.
    """
    headers = {
        "Content-Type": media_type,
        "ETag": f'"{sha256}"',
        "Cache-Control": "private, max-age=86400, immutable",
        "Content-Disposition": f'inline; filename="{name}.{EXTENSIONS.get(media_type, "bin")}"',
        # A file that a model made must not act as a page of this site.
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    return await blob_response(request, sha256=sha256, size=size, headers=headers)
