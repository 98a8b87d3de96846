"""Output files by signed link."""

import uuid

from marketplace.api.front.authentication import holds_link
from marketplace.api.front.files import blob_response, gone
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
    headers = {
        "Content-Type": row["media_type"],
        "ETag": f'"{row["sha256"]}"',
        "Cache-Control": "private, max-age=86400, immutable",
        "Content-Disposition": f'inline; filename="{id}.{EXTENSIONS.get(row["media_type"], "bin")}"',
        # A file that some model made must not act as a page of ours, whatever it holds.
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    return await blob_response(request, sha256=row["sha256"], size=row["size"], headers=headers)
