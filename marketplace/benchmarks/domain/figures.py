"""Figures of a model's runs in a benchmark: percentiles and the cost of a usable picture. Pure functions."""

from collections.abc import Sequence

CALLS_FOR_P95 = 72  # minimum for a two-sided 95% interval of a 95th percentile (order statistics)


def percentile(values: Sequence[float], q: float) -> float | None:
    """The q-quantile, q from 0 to 1, interpolated linearly; None without values."""
    if not values:
        return None
    ordered = sorted(values)
    place = q * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def cost_per_accepted(price: int, *, both_bad: float | None) -> int | None:
    """Micro-units for one usable picture, if the share `both_bad` of all pictures is unusable.

    Args:
        price: micro-units of one picture.

    Returns:
        the amount, rounded half up; None if there are no votes or no usable pictures.
    """
    if both_bad is None or both_bad >= 1:
        return None
    return int(price / (1 - both_bad) + 0.5)
