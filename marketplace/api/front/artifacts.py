"""Files by signed link, with ranges; pictures in the size that the link asks for."""

import uuid
from collections.abc import Mapping
from typing import Any

from inference.domain.files import MEDIA_TYPES
from inference.domain.thumbnails import MEDIA_TYPE, SIDES, serves_itself
from inference.read_models import FILE, QUEUE_PICTURE, THUMBNAIL
from marketplace.api.front.authentication import holds_link
from marketplace.api.front.blobs import blob_response, gone
from marketplace.api.front.http import Request, Response
from marketplace.api.front.resources import Resources
from marketplace.core import links
from marketplace.core.ids import parse_short
from marketplace.core.problems import FieldError, Forbidden, Invalid

EXTENSIONS = {"image/png": "png", "image/webp": "webp", "image/jpeg": "jpg", "application/json": "json"}
MAX_CACHE_SECONDS = 23 * 3600  # links usually count for 24 to 25 hours


async def download(request: Request, resources: Resources, *, id: str) -> Response:
    """`GET /artifacts/{id}?expires=…&signature=…[&size=…]`"""
    if not holds_link(request):
        raise Forbidden("This link has expired or is incomplete. Get the prediction again for a fresh one.")
    row = await resources.fetch_one(FILE, {"id": parse_short(id) or uuid.UUID(int=0)})
    if row is None:
        raise gone()
    return await send_file(request, resources, name=id, file=row)


async def send_file(request: Request, resources: Resources, *, name: str, file: Mapping[str, Any]) -> Response:
    """A file of the store, or the requested part of it; of a picture the thumbnail that `?size=` asks for.

    Until the thumbnail is made, and where none is needed, the original answers.

    Args:
        file: `sha256`, `media_type`, `size` in bytes, `width` and `height` in pixels.

    Raises:
        Invalid: there are no thumbnails of this size.
        NotFound: its bytes are missing from the store.
    """
    side = _side(request)
    is_last = True
    if side is not None and _has_thumbnail(file, side):
        file, is_last = await _thumbnail(resources, file, side)
    headers = {
        "Content-Type": file["media_type"],
        "ETag": f'"{file["sha256"]}"',
        "Cache-Control": f"private, max-age={_cache_seconds(request)}, immutable" if is_last else "private, no-cache",
        "Content-Disposition": f'inline; filename="{name}.{EXTENSIONS.get(file["media_type"], "bin")}"',
        # A file that a model made must not act as a page of this site.
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    return await blob_response(request, sha256=file["sha256"], size=file["size"], headers=headers)


def _side(request: Request) -> int | None:
    """The thumbnail's longer side that is asked for; None: the original. Raises Invalid."""
    asked = request.query("size")
    if asked and asked not in map(str, SIDES):
        wrong = FieldError("size", f"must be {' or '.join(map(str, SIDES))}")
        raise Invalid("There are no thumbnails of this size", errors=[wrong])
    return int(asked) if asked else None


def _has_thumbnail(file: Mapping[str, Any], side: int) -> bool:
    """Whether the file is a picture that is too large or too heavy to be its own thumbnail."""
    width, height = file["width"] or 0, file["height"] or 0
    is_picture = file["media_type"] in MEDIA_TYPES.values() and bool(width and height)
    return is_picture and not serves_itself(width=width, height=height, size=file["size"], side=side)


async def _thumbnail(resources: Resources, file: Mapping[str, Any], side: int) -> tuple[Mapping[str, Any], bool]:
    """The thumbnail or else the original, and whether that is what this link will always answer with."""
    found = await resources.fetch_one(THUMBNAIL, {"sha256": file["sha256"], "side": str(side)})
    if found is None:
        await resources.execute(QUEUE_PICTURE, {"sha256": file["sha256"]})
        return file, False
    if found["made"] is None:
        return file, not found["due"]
    return {"media_type": MEDIA_TYPE} | found["made"], True


def _cache_seconds(request: Request) -> int:
    """How long a browser may keep the answer: no longer than the link counts, where there is one."""
    expires = request.query("expires")
    return min(MAX_CACHE_SECONDS, links.seconds_left(expires)) if expires else MAX_CACHE_SECONDS
