"""Files that calls bring: what may be one. Pure."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, BinaryIO

from PIL import Image

from marketplace.core.files import FileReference

Schema = Mapping[str, Any]

MAX_FILE_BYTES = 20_000_000  # bytes
MAX_PIXELS = 4_096 * 4_096  # decoded, it takes 64 MiB
MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
DATA_URI = re.compile(r"data:[^,;]{0,100}(?:;[^,;]{1,100}){0,5};base64,", re.ASCII)
ORIENTATION, TURNED = 0x0112, (5, 6, 7, 8)  # EXIF; the values that swap width and height


class NotAPicture(ValueError):
    """The bytes are no picture that models take; says why, as the end of a sentence about the field."""


def media_fields(schema: Schema) -> dict[str, Schema]:
    """The fields of an input schema that take files."""
    return {name: field for name, field in schema["properties"].items() if "x-media" in field}


def read_data_uri(text: str) -> bytes:
    """The bytes of a `data:` URI in base64 (RFC 2397).

    Raises:
        NotAPicture: it is not one.
    """
    match = DATA_URI.match(text)
    if match is None:
        raise NotAPicture("must be a data: URI in base64, such as data:image/png;base64,iVBORw0…")
    try:
        return base64.b64decode(text[match.end() :], validate=True)
    except (binascii.Error, ValueError):
        raise NotAPicture("is a data: URI that is no valid base64") from None


def inspect_picture(source: BinaryIO) -> tuple[str, int, int]:
    """Media type, width and height of a picture, after all of it was decoded once.

    Its size is looked at before anything is decoded, so that a small file cannot unpack to gigabytes.

    Raises:
        NotAPicture: it is none, is damaged, moves or is too large.
    """
    try:
        with Image.open(source, formats=tuple(MEDIA_TYPES)) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise _too_many_pixels(picture.width, picture.height)
            if getattr(picture, "n_frames", 1) > 1:
                raise NotAPicture("is an animation; send one picture")
            picture.load()
            turned = picture.getexif().get(ORIENTATION) in TURNED
            width, height = (picture.height, picture.width) if turned else picture.size
            return MEDIA_TYPES[str(picture.format)], width, height
    except NotAPicture:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels(None, None) from None
    except Exception:  # Pillow's decoders raise errors of many kinds for damaged files
        raise NotAPicture("is no PNG, JPEG or WebP picture, or is damaged") from None


def _too_many_pixels(width: int | None, height: int | None) -> NotAPicture:
    own = f" of {width}×{height}" if width else ""
    return NotAPicture(f"is a picture{own} with more than {MAX_PIXELS:,} pixels; make it smaller")


def unsuitable(reference: FileReference, field: Schema) -> str | None:
    """Why a field does not take this picture, or None if it does."""
    low, high = field.get("x-min-side", 1), field.get("x-max-side", MAX_PIXELS)
    if low <= min(reference.width, reference.height) and max(reference.width, reference.height) <= high:
        return None
    return f"is {reference.width}×{reference.height} pixels; each side must have {low} to {high}"
