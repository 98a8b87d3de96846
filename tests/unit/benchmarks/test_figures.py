"""Percentiles, and what a usable picture costs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.benchmarks.domain.agreement import krippendorff_alpha
from marketplace.benchmarks.domain.figures import cost_per_accepted, percentile


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50), st.floats(0, 1))
def test_percentiles_are_numpys(values: list[float], q: float):
    assert percentile(values, q) == pytest.approx(float(np.quantile(values, q)))


def test_no_percentile_of_nothing():
    assert percentile([], 0.5) is None


@pytest.mark.parametrize(
    ("both_bad", "cost"), [(0.0, 4_000), (0.5, 8_000), (0.2, 5_000), (1 / 3, 6_000), (1.0, None), (None, None)]
)
def test_cost_per_accepted_picture(both_bad: float | None, cost: int | None):
    assert cost_per_accepted(4_000, both_bad=both_bad) == cost


def test_agreement_of_the_textbook():
    """Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section C: four observers, nominal data."""
    observers = {
        "A": [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
        "B": [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
        "C": [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
        "D": [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
    }
    votes = [(name, unit, str(value)) for name, row in observers.items() for unit, value in enumerate(row) if value]
    assert krippendorff_alpha(votes) == pytest.approx(0.743, abs=0.0005)


def test_agreement_needs_two_voters_on_a_pair():
    assert krippendorff_alpha([]) is None
    assert krippendorff_alpha([("A", 1, "tie"), ("B", 2, "tie")]) is None
    assert krippendorff_alpha([("A", 1, "first"), ("B", 1, "first"), ("A", 2, "tie"), ("B", 2, "tie")]) == 1
    assert krippendorff_alpha([("A", 1, "first"), ("B", 1, "tie"), ("A", 2, "tie"), ("B", 2, "first")]) < 0
