"""Small forms of pictures, for pages that show many. Pure: bytes in, bytes out.

A thumbnail is a WebP picture whose longer side is one of `SIDES`. A picture that is that small and light already has
none: the original serves.
"""

import io
from collections.abc import Mapping
from typing import BinaryIO

from PIL import Image, ImageOps

from inference.domain.files import MEDIA_TYPES

SMALL, LARGE = SIDES = (256, 640)  # pixels of the longer side
MEDIA_TYPE = "image/webp"
QUALITY = 80
LIGHT_BYTES = 16 * 1024
MAX_SOURCE_PIXELS = 8_192 * 8_192  # decoded, it takes 256 MiB
MAX_SOURCE_BYTES = 64 * 1024 * 1024
MAX_PROFILE_BYTES = 4 * 1024  # of a colour profile that is kept
BYTE_STEPS = 256  # from 16 bits to 8


class NoThumbnail(ValueError):
    """No thumbnail can ever be made of these bytes; says why."""


def serves_itself(*, width: int, height: int, size: int, side: int) -> bool:
    """Whether a picture of this many pixels and bytes needs no thumbnail of this side."""
    return max(width, height) <= side and size <= LIGHT_BYTES


def fitted(width: int, height: int, *, side: int) -> tuple[int, int]:
    """Width and height of the thumbnail: the same shape, no side longer than `side`, never larger than the original."""
    scale = min(1.0, side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def thumbnails_of(source: BinaryIO) -> Mapping[int, tuple[bytes, int, int]]:
    """The bytes, width and height of a picture's thumbnails by side; those that would not save bytes are left out.

    Of an animation, its first frame. The size of the picture is looked at before it is decoded.

    Raises:
        NoThumbnail: it is damaged, no picture or too large.
    """
    size = source.seek(0, io.SEEK_END)
    source.seek(0)
    if size > MAX_SOURCE_BYTES:
        raise NoThumbnail(f"it has more than {MAX_SOURCE_BYTES:,} bytes")
    try:
        return _small_forms(_decoded(source), size=size)
    except NoThumbnail:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels() from None
    except MemoryError:
        raise NoThumbnail("its picture does not fit into memory") from None
    except Exception as error:  # Pillow's decoders raise errors of many kinds for damaged files
        raise NoThumbnail(f"it is no PNG, JPEG or WebP picture, or is damaged ({type(error).__name__})") from None


def _decoded(source: BinaryIO) -> Image.Image:
    """The upright picture, in RGB or RGBA."""
    with Image.open(source, formats=tuple(MEDIA_TYPES)) as picture:
        if picture.width * picture.height > MAX_SOURCE_PIXELS:
            raise _too_many_pixels()
        picture.draft("RGB", (LARGE, LARGE))  # a JPEG is decoded no larger than needed
        picture.load()
        profile = picture.info.get("icc_profile", b"") if picture.mode in ("RGB", "RGBA") else b""
        upright = _in_eight_bits(ImageOps.exif_transpose(picture))
        plain = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    plain.info = {"icc_profile": profile} if 0 < len(profile) <= MAX_PROFILE_BYTES else {}
    return plain


def _in_eight_bits(picture: Image.Image) -> Image.Image:
    """Greys of 16 bits would become white if they were converted as they are."""
    if not picture.mode.startswith("I"):
        return picture
    return picture.convert("I").point(lambda value: value * (1 / BYTE_STEPS)).convert("L")


def _small_forms(picture: Image.Image, *, size: int) -> Mapping[int, tuple[bytes, int, int]]:
    made = {}
    width, height = picture.size
    for side in reversed(SIDES):  # the smaller one is made of the larger one
        if serves_itself(width=width, height=height, size=size, side=side):
            continue
        shape = fitted(width, height, side=side)
        profile = picture.info.get("icc_profile")
        picture = (
            picture.resize(shape, Image.Resampling.LANCZOS, reducing_gap=3.0) if shape != picture.size else picture
        )
        file = io.BytesIO()
        picture.save(file, "WEBP", quality=QUALITY, icc_profile=profile)
        if file.tell() < size:
            made[side] = (file.getvalue(), *shape)
    return made


def _too_many_pixels() -> NoThumbnail:
    return NoThumbnail(f"it has more than {MAX_SOURCE_PIXELS:,} pixels")
