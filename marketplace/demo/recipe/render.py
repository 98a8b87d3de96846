"""Draws icons: polygons with fourfold supersampling, composed in layers."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from marketplace.demo.recipe.domain import PALETTE, Icon
from marketplace.demo.recipe.outlines import OUTLINES_OF, Ring

Plane = npt.NDArray[np.float32]  # height × width
Canvas = npt.NDArray[np.float32]  # height × width × 3, 0 to 255
Pixels = npt.NDArray[np.uint8]

NATIVE = 128
_SUPERSAMPLING = 4
_CREAM = np.array((250, 245, 234), np.float32)
_PLACEMENTS = {
    1: ((0.0, 0.0, 0.58),),
    2: ((-0.46, 0.0, 0.38), (0.46, 0.0, 0.38)),
    3: ((-0.45, 0.38, 0.34), (0.45, 0.38, 0.34), (0.0, -0.42, 0.34)),
}
_SIZE_FACTORS = {"medium": 1.0, "small": 0.58, "large": 1.36}


class Picture(NamedTuple):
    """`rgb`: shape (size, size, 3); `alpha`: shape (size, size), 255 on the icon and its outline; both uint8."""

    rgb: Pixels
    alpha: Pixels


@dataclass(frozen=True)
class Placement:
    """The position of one shape: centre and scale in half picture sides, `tilt` in radians."""

    shape: str
    color: str
    x: float
    y: float
    scale: float
    tilt: float = 0.0


Renderer = Callable[[Icon, int, random.Random], Picture]


def render_flat(icon: Icon, size: int, rng: random.Random) -> Picture:
    """The icon in the flat style: plain colours with crisp edges, `size` pixels a side."""
    ground = _color(icon.ground)
    canvas = _filled(size, ground)
    alpha = np.zeros((size, size), np.float32)
    width = 0.0
    if icon.outline:
        width = 0.045 if icon.count == 1 else 0.036
    for placement in _placements(icon, rng, tilt=0.0):
        body = _mask(size, placement, line=width)
        if icon.finish == "shadow":
            fallen = _mask(size, placement, line=width, shift=(0.09, 0.1)) * (1 - body)
            _paint(canvas, _shade(ground), 0.9 * fallen)
        inner = body
        if icon.outline:
            _paint(canvas, _color(icon.outline), body)
            inner = _mask(size, placement) * (1 - _mask(size, placement, line=width, filled=False))
        _paint(canvas, _fill(icon, placement, size, _color(placement.color)), inner)
        alpha = np.maximum(alpha, body)
    return _finished(canvas, alpha)


def render_paper(icon: Icon, size: int, rng: random.Random) -> Picture:
    """The icon as a paper cut-out: softened colours, a rim of card, a slight tilt, a soft shadow beneath."""
    ground = _soften(_color(icon.ground))
    canvas = _filled(size, ground) * _slope(size, 0.06)
    alpha = np.zeros((size, size), np.float32)
    rim = 0.085 if icon.is_single else 0.07
    for placement in _placements(icon, rng, tilt=0.14):
        body = _mask(size, placement, line=rim)
        reach = 2.2 if icon.finish == "shadow" else 1.0
        fallen = _blur(_mask(size, placement, line=rim, shift=(0.035 * reach, 0.05 * reach)), size / 64)
        _paint(canvas, ground * 0.42, 0.62 * fallen * (1 - body))
        _paint(canvas, _soften(_color(icon.outline)) if icon.outline else _CREAM, body)
        paper = _fill(icon, placement, size, _soften(_color(placement.color)))
        _paint(canvas, paper, _mask(size, placement))
        alpha = np.maximum(alpha, body)
    return _finished(canvas, alpha)


RENDERERS: dict[str, Renderer] = {"flat": render_flat, "paper": render_paper}


def _placements(icon: Icon, rng: random.Random, tilt: float) -> list[Placement]:
    """The positions of the icon's shapes, with small random offsets, scales and tilts."""
    x, y, scale = rng.uniform(-0.05, 0.05), rng.uniform(-0.05, 0.05), 1 + rng.uniform(-0.07, 0.07)
    if icon.is_single:
        scale *= _SIZE_FACTORS[icon.size]
    shapes = [(icon.shape, icon.color)] * icon.count
    if icon.partner:
        color, shape = icon.partner
        shapes.append((shape, color))
    places = zip(shapes, _PLACEMENTS[len(shapes)], strict=True)
    return [
        Placement(shape, color, a + x, b + y, each * scale, rng.uniform(-tilt, tilt) if tilt else 0.0)
        for (shape, color), (a, b, each) in places
    ]


def _mask(
    size: int, placement: Placement, *, line: float = 0.0, shift: tuple[float, float] = (0.0, 0.0), filled: bool = True
) -> Plane:
    """How much of each pixel the shape covers, 0 to 1; `line` is a stroke along its edge, in picture sides."""
    large = size * _SUPERSAMPLING
    image = Image.new("L", (large, large), 0)
    pen = ImageDraw.Draw(image)
    rings = [_placed(ring, placement, shift, large / 2) for ring in OUTLINES_OF[placement.shape]]
    if filled:
        for number, ring in enumerate(rings):
            pen.polygon(ring, fill=0 if number else 255)
    if line:
        for ring in rings:
            _stroke(pen, ring, int(line * large))
    return np.asarray(np.asarray(image.reduce(_SUPERSAMPLING)) / 255, np.float32)


def _stroke(pen: ImageDraw.ImageDraw, ring: Ring, width: int) -> None:
    """A closed line with round concatenated; Pillow's own concatenated leave gaps where points lie close together."""
    pen.line(ring + ring[:1], fill=255, width=width)
    for x, y in ring:
        pen.circle((x, y), width / 2, fill=255)


def _placed(ring: Ring, placement: Placement, shift: tuple[float, float], half: float) -> Ring:
    cosine, sine = np.cos(placement.tilt), np.sin(placement.tilt)
    return [
        (
            half * (1 + placement.x + shift[0] + placement.scale * (x * cosine - y * sine)),
            half * (1 + placement.y + shift[1] + placement.scale * (x * sine + y * cosine)),
        )
        for x, y in ring
    ]


def _fill(icon: Icon, placement: Placement, size: int, color: Canvas) -> Canvas:
    """The colours inside the shape: its pattern, then its gloss."""
    fill = _filled(size, color)
    if icon.pattern != "solid":
        light = color + (255 - color) * 0.72 if color.sum() < 600 else color * 0.62
        _paint(fill, light, _pattern(size, icon.pattern, 9 if icon.count == 1 else 11))
    return _glossy(fill, placement) if icon.finish == "glossy" else fill


def _glossy(fill: Canvas, placement: Placement) -> Canvas:
    """Lit from above, with a highlight at the upper left."""
    down, right = _axes(fill.shape[0])
    height = np.clip((down - placement.y) / placement.scale, -1, 1)[..., None]
    lit = np.where(height < 0, fill - (255 - fill) * height * 0.45, fill * (1 - height * 0.42))
    across = (right - placement.x + 0.32 * placement.scale) / (0.30 * placement.scale)
    along = (down - placement.y + 0.42 * placement.scale) / (0.20 * placement.scale)
    highlight = np.clip(1 - across**2 - along**2, 0, 1)[..., None]
    return np.asarray(lit + (255 - lit) * highlight * 0.85, np.float32)


@cache
def _pattern(size: int, name: str, repeats: int) -> Plane:
    large = size * _SUPERSAMPLING
    down, right = np.meshgrid(np.arange(large), np.arange(large), indexing="ij")
    period = large / repeats
    if name == "striped":
        ink = ((right + down) / 1.414 % period) < period * 0.45
    else:
        across = (right - large / 2 + period / 2) % period - period / 2
        along = (down - large / 2 + period / 2) % period - period / 2
        ink = across**2 + along**2 < (period * 0.27) ** 2
    return np.asarray(ink.reshape(size, _SUPERSAMPLING, size, _SUPERSAMPLING).mean((1, 3)), np.float32)


@cache
def _axes(size: int) -> tuple[Plane, Plane]:
    """Down and right from -1 to 1."""
    down, right = np.mgrid[0:size, 0:size].astype(np.float32) / size * 2 - 1
    return down, right


def _slope(size: int, strength: float) -> Canvas:
    """Light that falls from the upper left."""
    down, right = _axes(size)
    return np.asarray(1 - strength * (down + right) / 2, np.float32)[..., None]


def _blur(plane: Plane, radius: float) -> Plane:
    image = Image.fromarray((plane * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(radius))
    return np.asarray(np.asarray(image) / 255, np.float32)


def _color(name: str) -> Canvas:
    return np.array(PALETTE[name], np.float32)


def _soften(color: Canvas) -> Canvas:
    return np.asarray(color * 0.72 + _CREAM * 0.28, np.float32)


def _shade(ground: Canvas) -> Canvas:
    """The colour of a shadow on the ground; on very dark ground it is lighter, to be visible."""
    return np.asarray(ground * 0.62 if ground.sum() > 150 else ground + 38, np.float32)


def _filled(size: int, color: Canvas) -> Canvas:
    return np.broadcast_to(color, (size, size, 3)).astype(np.float32)


def _paint(canvas: Canvas, color: Canvas, mask: Plane) -> None:
    canvas += (color - canvas) * mask[..., None]


def _finished(canvas: Canvas, alpha: Plane) -> Picture:
    return Picture(np.clip(canvas + 0.5, 0, 255).astype(np.uint8), (alpha * 255).astype(np.uint8))
