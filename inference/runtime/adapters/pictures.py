"""Decodes pictures from files and encodes them."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from inference.runtime.adapters.base import Ending, Job, JobFailed, Output

FORMATS = ("PNG", "JPEG", "WEBP")


@dataclass(frozen=True)
class Encoding:
    """How an output format is written: Pillow's name and options, and the media type."""

    pillow: str
    media_type: str
    options: dict[str, Any]


ENCODINGS = {
    # The lowest level costs 1 ms less a picture than the default and a few kilobytes more.
    "png": Encoding("PNG", "image/png", {"compress_level": 1}),
    "webp": Encoding("WEBP", "image/webp", {"quality": 90, "method": 4}),
    # No chroma subsampling, which would blur the edges between saturated colours.
    "jpg": Encoding("JPEG", "image/jpeg", {"quality": 92, "subsampling": 0}),
}


def encode(picture: npt.NDArray[np.uint8], output_format: str, *, steps: int = 0) -> Output:
    """A picture of shape (height, width, 3 or 4) as a file without metadata; equal pictures give equal bytes.

    Args:
        steps: denoising steps that made it.
    """
    encoding = ENCODINGS[output_format]
    file = io.BytesIO()
    Image.fromarray(picture).save(file, encoding.pillow, **encoding.options)
    height, width = picture.shape[:2]
    return Output(data=file.getvalue(), media_type=encoding.media_type, width=width, height=height, steps=steps)


def decode(data: bytes) -> Image.Image:
    """The picture in a file, upright and without transparency: transparent areas become white.

    Raises:
        JobFailed: it cannot be read. Admission has read it before, so this is rare.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as file:
            upright = ImageOps.exif_transpose(file)
            if upright.mode.startswith("I"):  # 16-bit grey, which Pillow would clip rather than scale
                upright = Image.fromarray((np.asarray(upright).astype(np.uint32) >> 8).astype(np.uint8))
            if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
                layer = upright.convert("RGBA")
                ground = Image.new("RGBA", layer.size, "white")
                return Image.alpha_composite(ground, layer).convert("RGB")
            return upright.convert("RGB")
    except Exception as error:  # Pillow's decoders raise errors of many kinds
        raise JobFailed("The picture cannot be read. Save it anew as PNG, JPEG or WebP.") from error


def decode_each(
    jobs: Sequence[Job], prepare: Callable[[Image.Image], npt.NDArray[Any]]
) -> tuple[dict[int, npt.NDArray[Any]], dict[int, Ending]]:
    """The result of `prepare` for each job's picture, and the endings of unreadable pictures, by position."""
    prepared: dict[int, npt.NDArray[Any]] = {}
    failures: dict[int, Ending] = {}
    for position, job in enumerate(jobs):
        try:
            prepared[position] = prepare(decode(job.files["image"]))
        except JobFailed as failure:
            failures[position] = failure
    return prepared, failures


def batches_by_size(pictures: Mapping[int, npt.NDArray[Any]]) -> Iterator[tuple[list[int], npt.NDArray[Any]]]:
    """For each size: the positions of the pictures that have it, and these pictures as one array.

    Claims put pictures of one size into a batch, so there is usually one size only.
    """
    for shape in sorted({picture.shape for picture in pictures.values()}):
        positions = [position for position, picture in pictures.items() if picture.shape == shape]
        yield positions, np.stack([pictures[position] for position in positions])


def pixels(picture: Image.Image) -> npt.NDArray[np.uint8]:
    """Shape (height, width, 3)."""
    return np.asarray(picture, dtype=np.uint8)
