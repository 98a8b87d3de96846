"""Positions in charts."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.web.console.charts import _ticks
from marketplace.web.shared.figures import price_tick


@given(st.floats(-5_000, 5_000), st.floats(0, 5_000))
def test_ticks_are_round_and_hold_all_values(low: float, span: float):
    ticks = _ticks(low, low + span)
    assert ticks[0] <= low + 1e-6
    assert ticks[-1] >= low + span - 1e-6
    assert 2 <= len(ticks) <= 8
    steps = [after - before for before, after in zip(ticks, ticks[1:], strict=False)]
    assert max(steps) == pytest.approx(min(steps))


def test_known_ticks():
    assert _ticks(0, 4_600) == [0, 1_000, 2_000, 3_000, 4_000, 5_000]
    assert _ticks(1_302, 1_698) == [1_300, 1_400, 1_500, 1_600, 1_700]
    assert all(map(math.isfinite, _ticks(0, 0)))


@pytest.mark.parametrize(("micro", "text"), [(0, "$0"), (1_000, "$0.001"), (2_500.0, "$0.0025"), (2_000_000, "$2")])
def test_prices_at_an_axis(micro: float, text: str):
    assert price_tick(micro, "USD") == text
