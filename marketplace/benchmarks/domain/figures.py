"""Figures of a model's runs in a benchmark: percentiles and the cost of what can be used. Pure."""

from collections.abc import Sequence

CALLS_FOR_P95 = 72  # the fewest that bound a 95% interval of a 95th percentile on both sides (order statistics)


def percentile(values: Sequence[float], q: float) -> float | None:
    """The q-quantile, q from 0 to 1, linearly between the two nearest values; None without any."""
    if not values:
        return None
    ordered = sorted(values)
    place = q * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def cost_per_accepted(price: int, *, both_bad: float | None) -> int | None:
    """Micro-units that one usable picture costs, where the share `both_bad` of all is thrown away.

    Args:
        price: micro-units of one picture.

    Returns:
        rounded half up; None where nothing was voted on, or nothing was usable.
    """
    if both_bad is None or both_bad >= 1:
        return None
    return int(price / (1 - both_bad) + 0.5)
