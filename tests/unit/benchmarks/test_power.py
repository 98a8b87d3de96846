"""How many votes distinguish two models."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.benchmarks.domain.power import decisive_votes_needed, design_effect


@pytest.mark.parametrize(("share", "votes"), [(0.55, 783), (0.6, 194), (0.7, 47), (0.505, None), (0.5, None)])
def test_known_sample_sizes(share: float, votes: int | None):
    assert decisive_votes_needed(share) == votes


@given(st.floats(0.51, 1), st.floats(0.51, 1))
def test_a_clearer_lead_needs_fewer_votes(one: float, other: float):
    near, far = sorted([decisive_votes_needed(one), decisive_votes_needed(other)])
    assert near <= far
    assert decisive_votes_needed(max(one, other)) == near


@pytest.mark.parametrize("share", [0.49, 1.01, -1])
def test_an_impossible_share_is_refused(share: float):
    with pytest.raises(ValueError, match="between one half and one"):
        decisive_votes_needed(share)


def test_votes_that_resemble_each_other_count_less():
    assert design_effect([(1, 1), (0, 1)] * 20) == pytest.approx(1, abs=0.05)
    # Five voters who always agree count as one.
    assert design_effect([(5, 5), (0, 5)] * 20) == pytest.approx(5, rel=0.05)


@pytest.mark.parametrize("clusters", [[], [(3, 5)], [(5, 5), (4, 4)], [(0, 0), (1, 2)]])
def test_with_little_data_votes_count_as_independent(clusters: list[tuple[int, int]]):
    assert design_effect(clusters) == 1
