"""Pictures, and files that resemble pictures."""

import base64
import io
import struct
import zlib

import numpy as np
from PIL import Image


def picture(width: int = 64, height: int = 72, *, format: str = "PNG", seed: int = 0, mode: str = "RGB") -> bytes:
    """Noise, so that every seed has a file of its own."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, format)
    return file.getvalue()


def turned(width: int, height: int) -> bytes:
    """A JPEG whose EXIF data rotates it by 90 degrees."""
    file, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (width, height), "teal").save(file, "JPEG", exif=exif)
    return file.getvalue()


def animation() -> bytes:
    file = io.BytesIO()
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green")]
    frames[0].save(file, "WEBP", save_all=True, append_images=frames[1:])
    return file.getvalue()


def bomb(side: int = 20_000) -> bytes:
    """A PNG of a few hundred kilobytes that unpacks to more than a gigabyte."""
    rows = zlib.compressobj(9)
    row = b"\0" * (1 + 3 * side)
    data = b"".join(rows.compress(row) for _ in range(side)) + rows.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


def data_uri(data: bytes, media_type: str = "image/png") -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"
