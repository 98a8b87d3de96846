"""How pages that show many pictures show each: by its thumbnails, with its place kept free until it comes."""

from dataclasses import dataclass

from inference.domain.thumbnails import LARGE, SMALL, fitted
from inference.links import thumbnail_path


@dataclass(frozen=True)
class Thumbnail:
    """What an `<img>` needs.

    Attributes:
        srcset: the same picture by width, for the browser to choose from; empty where the small one has every pixel.
        width: with `height` in pixels of the largest form.
    """

    src: str
    srcset: str
    width: int
    height: int


def thumbnail(path: str, *, width: int | None, height: int | None) -> Thumbnail:
    """A picture's thumbnails, from its signed path and its size in pixels; taken to be a large square if unknown."""
    own_width, own_height = width or LARGE, height or LARGE
    small, shape = thumbnail_path(path, side=SMALL), fitted(own_width, own_height, side=LARGE)
    if max(own_width, own_height) <= SMALL:
        return Thumbnail(small, "", *shape)
    narrow, _ = fitted(own_width, own_height, side=SMALL)
    srcset = f"{small} {narrow}w, {thumbnail_path(path, side=LARGE)} {shape[0]}w"
    return Thumbnail(small, srcset, *shape)
