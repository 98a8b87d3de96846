"""Rankings from votes: the fit, its intervals, and significance."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.benchmarks.domain.ranking import MEAN_SCORE, MIN_PROMPTS, Ballot, Comparison, rank
from marketplace.benchmarks.domain.states import Choice

COUNTED = [choice for choice in Choice if choice is not Choice.SKIPPED]


def votes(wins: int, losses: int, *, ties: int = 0, bad: int = 0) -> list[Ballot]:
    """Votes on two models, each on a prompt of its own."""
    choices = [Choice.FIRST] * wins + [Choice.SECOND] * losses + [Choice.TIE] * ties + [Choice.BOTH_BAD] * bad
    return [Ballot(prompt, 0, 1, choice) for prompt, choice in enumerate(choices)]


def compared(ballots: list[Ballot]) -> Comparison:
    (comparison,) = rank(ballots, models=2).comparisons
    return comparison


def sign_test(wins: int, votes: int) -> float:
    """Two-sided exact p-value of `wins` of `votes`."""
    tail = sum(math.comb(votes, k) for k in range(max(wins, votes - wins), votes + 1)) / 2**votes
    return min(1.0, 2 * tail)


@pytest.mark.parametrize("count", [3, 5, 6, 8, 10, 15])
def test_with_one_vote_per_prompt_it_agrees_with_the_exact_sign_test(count: int):
    for wins in range(count // 2 + 1, count + 1):
        comparison = compared(votes(wins, count - wins))
        assert comparison.better == 0
        assert comparison.distinguishable == (sign_test(wins, count) < 0.05), wins


def test_the_score_is_the_logarithm_of_the_odds():
    """Two added votes and half a vote for each side are added to 60 of 100: 61.5 to 41.5."""
    first, second = rank(votes(60, 40), models=2).standings
    assert first.score - second.score == pytest.approx(400 * math.log10(61.5 / 41.5), abs=0.05)
    assert (first.score + second.score) / 2 == pytest.approx(MEAN_SCORE)
    assert (first.win_rate, second.win_rate) == (0.6, 0.4)


def test_strengths_that_made_the_votes_are_found_again():
    chance = random.Random(7)
    strengths = [4.0, 2.0, 1.0]
    ballots = []
    for prompt in range(900):
        first, second = [(0, 1), (0, 2), (1, 2)][prompt % 3]
        wins = chance.random() < strengths[first] / (strengths[first] + strengths[second])
        ballots.append(Ballot(prompt, first, second, Choice.FIRST if wins else Choice.SECOND))
    found = rank(ballots, models=3)
    assert [standing.model for standing in found.standings] == [0, 1, 2]
    assert [standing.rank for standing in found.standings] == [1, 2, 3]
    for standing in found.standings:
        true = MEAN_SCORE + 400 * math.log10(strengths[standing.model] / 2)
        assert standing.low < true < standing.high


def test_ties_and_both_bad_are_half_a_win_for_either_side():
    tied = compared(votes(6, 2, ties=4))
    bad = compared(votes(6, 2, bad=4))
    halves = compared(votes(8, 4))
    assert tied.difference == bad.difference == pytest.approx(halves.difference, abs=0.05)
    standings = rank(votes(6, 2, bad=4), models=2).standings
    assert [standing.both_bad for standing in standings] == [4 / 12, 4 / 12]
    assert [standing.win_rate for standing in standings] == [8 / 12, 4 / 12]


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from(COUNTED)), min_size=1, max_size=60))
@settings(max_examples=15, deadline=None)
def test_it_is_symmetric(given_: list[tuple[int, Choice]]):
    mirror = {Choice.FIRST: Choice.SECOND, Choice.SECOND: Choice.FIRST}
    one = rank([Ballot(prompt, 0, 1, choice) for prompt, choice in given_], models=2, resamples=20)
    other = rank([Ballot(p, 0, 1, mirror.get(choice, choice)) for p, choice in given_], models=2, resamples=20)
    scores = {standing.model: standing.score for standing in one.standings}
    mirrored = {1 - standing.model: standing.score for standing in other.standings}
    assert scores == pytest.approx(mirrored, abs=0.01)
    assert sum(scores.values()) == pytest.approx(2 * MEAN_SCORE)


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.sampled_from([(0, 1), (0, 2), (1, 2)]), st.sampled_from(COUNTED)), max_size=40
    )
)
@settings(max_examples=20, deadline=None)
def test_any_votes_give_a_ranking(given_: list[tuple[int, tuple[int, int], Choice]]):
    found = rank([Ballot(prompt, *pair, choice) for prompt, pair, choice in given_], models=3, resamples=50)
    assert sorted(standing.model for standing in found.standings) == [0, 1, 2]
    ranks = [standing.rank for standing in found.standings]
    assert ranks == sorted(ranks)
    assert ranks[0] == 1
    for standing in found.standings:
        assert all(map(math.isfinite, (standing.low, standing.score, standing.high)))
        assert standing.low <= standing.high
    for comparison in found.comparisons:
        assert comparison.difference >= 0
        if comparison.distinguishable:
            assert comparison.low > 0
            assert found.prompts >= MIN_PROMPTS


def clustered(prompts: int, voters: int) -> list[Ballot]:
    """Each prompt has its own better model, on which all of its voters agree."""
    chance = random.Random(3)
    ballots = []
    for prompt in range(prompts):
        choice = Choice.FIRST if chance.random() < 0.6 else Choice.SECOND
        ballots += [Ballot(prompt, 0, 1, choice)] * voters
    return ballots


def test_votes_on_the_same_prompt_are_not_counted_as_independent():
    ballots = clustered(40, voters=5)
    by_prompt = compared(ballots)
    as_if_independent = compared([Ballot(number, 0, 1, ballot.choice) for number, ballot in enumerate(ballots)])
    assert by_prompt.difference == as_if_independent.difference
    width = by_prompt.high - by_prompt.low
    assert width > 1.8 * (as_if_independent.high - as_if_independent.low)  # √5 = 2.2 for many prompts


def test_more_prompts_narrow_the_interval():
    few, many = compared(votes(12, 8)), compared(votes(120, 80))
    assert many.high - many.low < 0.5 * (few.high - few.low)


def test_the_number_of_missing_votes_is_computed():
    close = compared(votes(11, 9))
    assert not close.distinguishable
    assert close.share == 0.55
    assert close.more_votes == 783 - 20
    # Ties are not decisive, so more votes are needed.
    assert compared(votes(11, 9, ties=20)).more_votes == 2 * 783 - 40
    assert compared(votes(10, 10)).more_votes is None
    assert compared(votes(0, 0, ties=9)).more_votes is None
    assert compared(votes(90, 10)).more_votes is None  # it is distinguishable already


def test_indistinguishable_models_share_a_rank():
    ballots = []
    for prompt in range(30):
        ballots.append(Ballot(prompt, 0, 1, Choice.FIRST if prompt % 2 else Choice.SECOND))
        ballots.append(Ballot(prompt, 0, 2, Choice.FIRST))
        ballots.append(Ballot(prompt, 1, 2, Choice.FIRST))
    assert [(standing.model, standing.rank) for standing in rank(ballots, models=3).standings] in (
        [(0, 1), (1, 1), (2, 3)],
        [(1, 1), (0, 1), (2, 3)],
    )


def test_the_same_votes_give_the_same_intervals():
    assert rank(votes(9, 4), models=2) == rank(votes(9, 4), models=2)
