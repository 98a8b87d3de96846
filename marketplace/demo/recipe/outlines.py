"""The shapes as polygons: x to the right, y down, about one unit from the centre. Further rings are holes."""

import math
from collections.abc import Callable, Iterable

Point = tuple[float, float]
Ring = list[Point]

_TURN = 2 * math.pi


def _around(radius: Callable[[float], float], points: int) -> Ring:
    """Points at equal angles, clockwise from the top; `radius` is a function of the angle."""
    angles = (_TURN * step / points for step in range(points))
    return [(radius(angle) * math.sin(angle), -radius(angle) * math.cos(angle)) for angle in angles]


def _regular(points: int, radius: float = 1.0) -> Ring:
    return _around(lambda _: radius, points)


def _arc(x: float, y: float, radius: float, start: float, end: float, points: int = 60) -> Ring:
    angles = [start + (end - start) * step / (points - 1) for step in range(points)]
    return [(x + radius * math.cos(angle), y + radius * math.sin(angle)) for angle in angles]


def _mirrored(right: Iterable[Point]) -> Ring:
    """A shape from its right half, given from top to bottom."""
    half = list(right)
    return half + [(-x, y) for x, y in reversed(half) if x != 0]


def _star(inner: float = 0.42) -> Ring:
    return [
        (radius * math.sin(math.pi * step / 5), -radius * math.cos(math.pi * step / 5))
        for step, radius in enumerate([1.0, inner] * 5)
    ]


def _heart(points: int = 120) -> Ring:
    """The usual heart curve of sines and cosines, scaled to one unit."""
    angles = [_TURN * step / points for step in range(points)]
    return [
        (
            16 * math.sin(t) ** 3 / 17,
            -(13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)) / 17 - 0.1,
        )
        for t in angles
    ]


def _moon() -> Ring:
    """A circle without the part that a smaller circle to its right covers."""
    x, y, cut = 0.48, -0.1, 0.82
    distance, towards = math.hypot(x, y), math.atan2(y, x)
    outer = math.acos((1 + distance**2 - cut**2) / (2 * distance))
    inner = math.acos((cut**2 + distance**2 - 1) / (2 * cut * distance))
    back = _arc(0, 0, 1, towards + outer, towards + _TURN - outer)
    front = _arc(x, y, cut, towards + math.pi + inner, towards + math.pi - inner)
    return [(a + 0.12, b) for a, b in back + front]


def _cloud(points: int = 160) -> Ring:
    """The outer edge of five circles, cut flat below."""
    circles = ((0, -0.1, 0.5), (-0.5, 0.12, 0.42), (0.5, 0.12, 0.44), (0.12, -0.25, 0.42), (0, 0.2, 0.35))

    def reach(angle: float) -> float:
        farthest = 0.0
        for x, y, radius in circles:
            along = math.sin(angle) * x - math.cos(angle) * y
            inside = along**2 - (x**2 + y**2 - radius**2)
            if inside >= 0:
                farthest = max(farthest, along + math.sqrt(inside))
        return farthest

    return [(1.05 * x, 1.05 * min(y, 0.42)) for x, y in _around(reach, points)]


def _leaf(points: int = 50) -> Ring:
    """Two arcs that meet in a tip at either end, leaning to the right."""
    angles = [math.pi * step / points for step in range(points + 1)]
    half = [(0.6 * math.sin(angle) ** 2, -1.1 * math.cos(angle)) for angle in angles]
    lean_x, lean_y = math.cos(0.7), math.sin(0.7)
    return [(x * lean_x - y * lean_y, x * lean_y + y * lean_x) for x, y in _mirrored(half)]


def _gear(teeth: int = 8) -> Ring:
    flank = ((-0.24, 0.76), (-0.15, 1.0), (0.15, 1.0), (0.24, 0.76))
    angles = [(_TURN * tooth / teeth + turn, radius) for tooth in range(teeth) for turn, radius in flank]
    return [(radius * math.sin(angle), -radius * math.cos(angle)) for angle, radius in angles]


def _arrow() -> Ring:
    upper = [(-0.95, -0.28), (0.1, -0.28), (0.1, -0.75), (1.0, 0.0)]
    return upper + [(x, -y) for x, y in reversed(upper[:-1])]


OUTLINES_OF: dict[str, list[Ring]] = {
    "circle": [_regular(90, 0.95)],
    "square": [_mirrored([(0.8, -0.8), (0.8, 0.8)])],
    "triangle": [_mirrored([(0, -0.95), (1.0, 0.75)])],
    "star": [_star()],
    "hexagon": [_regular(6)],
    "heart": [_heart()],
    "diamond": [_mirrored([(0, -1.05), (0.75, 0), (0, 1.05)])],
    "ring": [_regular(90, 0.98), _regular(60, 0.55)],
    "moon": [_moon()],
    "cross": [_mirrored([(0.32, -0.95), (0.32, -0.32), (0.95, -0.32), (0.95, 0.32), (0.32, 0.32), (0.32, 0.95)])],
    "cloud": [_cloud()],
    "drop": [[(0, -1.05), *_arc(0, 0.3, 0.68, math.radians(-28), math.radians(208), 80)]],
    "bolt": [[(0.2, -1.05), (-0.68, 0.16), (-0.08, 0.16), (-0.3, 1.05), (0.68, -0.26), (0.08, -0.26), (0.46, -1.05)]],
    "flower": [_around(lambda t: 0.72 + 0.26 * math.cos(6 * t), 120), _regular(60, 0.24)],
    "house": [_mirrored([(0, -1.0), (1.02, -0.1), (0.74, -0.1), (0.74, 0.85), (0.24, 0.85), (0.24, 0.25)])],
    "tree": [
        _mirrored(
            [(0, -1.05), (0.55, -0.35), (0.3, -0.35), (0.7, 0.15), (0.42, 0.15), (0.85, 0.7), (0.16, 0.7), (0.16, 1.05)]
        )
    ],
    "gear": [_gear(), _regular(60, 0.34)],
    "arrow": [_arrow()],
    "crown": [_mirrored([(0, -0.8), (0.45, 0.02), (0.95, -0.55), (0.78, 0.72)])],
    "leaf": [_leaf()],
}
