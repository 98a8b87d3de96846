"""Coordinates of charts in SVG drawings of a given size. Pure functions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from marketplace.benchmarks.selectors.results import Result

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 58, 24, 18, 46
STRIP = 200
NICE = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Tick:
    """A grid line of the chart: its coordinate and its value."""

    at: str
    value: float


@dataclass(frozen=True)
class Point:
    """A model in the chart; `anchor` is the SVG text anchor of its label."""

    row: Result
    x: str
    y: str
    low: str
    high: str
    label_x: str
    label_y: str
    anchor: str


@dataclass(frozen=True)
class Chart:
    """Quality (vertical) against price (horizontal). Price ticks are in micro-units."""

    points: tuple[Point, ...]
    prices: tuple[Tick, ...]
    scores: tuple[Tick, ...]
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True)
class Strip:
    """A score with its interval, on a scale common to all rows."""

    low: str
    high: str
    at: str
    middle: str
    width: int = STRIP


def quality_against_price(rows: Sequence[Result]) -> Chart:
    """The chart of all rows that have a standing."""
    ranked = [row for row in rows if row.standing]
    prices = _ticks(0, max([row.price for row in ranked], default=0) * 1.15 or 1)
    lows = [row.standing.low for row in ranked if row.standing]
    highs = [row.standing.high for row in ranked if row.standing]
    scores = _ticks(min(lows, default=1_400), max(highs, default=1_600))

    def x(price: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * price / prices[-1]

    def y(score: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (score - scores[0]) / (scores[-1] - scores[0])

    points = []
    for row in ranked:
        assert row.standing
        on_the_right = x(row.price) < WIDTH * 0.6
        points.append(
            Point(
                row=row,
                x=f"{x(row.price):.1f}",
                y=f"{y(row.standing.score):.1f}",
                low=f"{y(row.standing.low):.1f}",
                high=f"{y(row.standing.high):.1f}",
                label_x=f"{x(row.price) + (12 if on_the_right else -12):.1f}",
                label_y=f"{y(row.standing.score):.1f}",
                anchor="start" if on_the_right else "end",
            )
        )
    return Chart(
        points=tuple(points),
        prices=tuple(Tick(f"{x(value):.1f}", value) for value in prices),
        scores=tuple(Tick(f"{y(value):.1f}", value) for value in scores),
    )


def strips(rows: Sequence[Result]) -> list[Strip | None]:
    """A strip for each row; None for a row without a standing."""
    standings = [row.standing for row in rows if row.standing]
    if not standings:
        return [None] * len(rows)
    least, most = min(one.low for one in standings), max(one.high for one in standings)
    span = (most - least) or 1

    def x(score: float) -> str:
        return f"{4 + (STRIP - 8) * (score - least) / span:.1f}"

    middle = x(sum(one.score for one in standings) / len(standings))
    return [
        Strip(low=x(row.standing.low), high=x(row.standing.high), at=x(row.standing.score), middle=middle)
        if row.standing
        else None
        for row in rows
    ]


def _ticks(low: float, high: float, *, most: int = 6) -> list[float]:
    """Round values from at most `low` to at least `high`."""
    rough = max(high - low, 1e-9) / (most - 1)
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(nice * magnitude for nice in NICE if nice * magnitude >= rough)
    first, last = math.floor(low / step), max(math.ceil(high / step), math.floor(low / step) + 1)
    return [index * step for index in range(first, last + 1)]
