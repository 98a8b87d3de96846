"""Pictures to try models with that take one, drawn rather than kept."""

import hashlib
import io
import math
from dataclasses import dataclass
from functools import cache

from PIL import Image, ImageDraw

from marketplace.core.files import FileReference

SIDE = 128
FINER = 4  # drawn so many times larger, then averaged, so that edges are smooth


@dataclass(frozen=True)
class Sample:
    """A picture as PNG, and what it shows."""

    caption: str
    data: bytes

    @property
    def reference(self) -> FileReference:
        """How an input refers to it once it is in the blob store."""
        digest = hashlib.sha256(self.data).hexdigest()
        return FileReference(digest, "image/png", len(self.data), SIDE, SIDE)


@cache
def samples() -> tuple[Sample, ...]:
    """Four of them."""
    return (
        _sample("a red circle on a white background", "#d93a3f", "#ffffff", sides=64),
        _sample("a blue star on a yellow background", "#2f6fd6", "#f6d13d", sides=5, hollow=0.45),
        _sample("a green square on a pink background", "#2e9e55", "#f4b5c8", sides=4),
        _sample("an orange triangle on a purple background", "#ee8a2c", "#7b4bb5", sides=3),
    )


def _sample(caption: str, colour: str, ground: str, *, sides: int, hollow: float = 1.0) -> Sample:
    """A regular polygon, or a star whose inner corners lie at `hollow` of its radius."""
    side = SIDE * FINER
    corners = 2 * sides if hollow < 1 else sides
    turn = math.pi / 4 if sides == 4 else -math.pi / 2
    radius = side * 0.34
    points = []
    for number in range(corners):
        reach = radius * (hollow if number % 2 and hollow < 1 else 1)
        angle = turn + math.tau * number / corners
        points.append((side / 2 + reach * math.cos(angle), side / 2 + reach * math.sin(angle)))
    picture = Image.new("RGB", (side, side), ground)
    ImageDraw.Draw(picture).polygon(points, fill=colour)
    written = io.BytesIO()
    picture.reduce(FINER).save(written, "PNG")
    return Sample(caption, written.getvalue())
