"""The order in which voters see pairs."""

from collections import Counter
from itertools import combinations, product

from hypothesis import given
from hypothesis import strategies as st

from marketplace.benchmarks.domain.schedule import schedule
from marketplace.benchmarks.domain.states import Answer, Choice, choice_of

SIZES = {"prompts": st.integers(0, 24), "models": st.integers(0, 6), "secret": st.text(max_size=8)}


@given(**SIZES)
def test_every_pair_of_every_prompt_comes_once(prompts: int, models: int, secret: str):
    pairs = schedule(prompts=range(100, 100 + prompts), models=range(models), secret=secret)
    seen = [(pair.prompt, pair.first, pair.second) for pair in pairs]
    wanted = [(prompt, *pair) for prompt, pair in product(range(100, 100 + prompts), combinations(range(models), 2))]
    assert sorted(seen) == sorted(wanted)
    assert len({pair.key for pair in pairs}) == len(pairs)


@given(**SIZES, stop=st.integers(0, 400))
def test_any_prefix_has_all_prompts_and_pairs_equally_often(prompts: int, models: int, secret: str, stop: int):
    given_ = schedule(prompts=range(prompts), models=range(models), secret=secret)[:stop]
    by_prompt = Counter(dict.fromkeys(range(prompts), 0) | Counter(pair.prompt for pair in given_))
    by_pair = Counter(dict.fromkeys(combinations(range(models), 2), 0))
    by_pair.update((pair.first, pair.second) for pair in given_)
    for counts in (by_prompt, by_pair):
        assert not counts or max(counts.values()) - min(counts.values()) <= 1


def test_the_order_is_deterministic_and_differs_between_voters():
    mine = schedule(prompts=range(20), models=range(3), secret="me")
    assert mine == schedule(prompts=range(20), models=range(3), secret="me")
    others = schedule(prompts=range(20), models=range(3), secret="you")
    assert [pair.prompt for pair in mine] != [pair.prompt for pair in others]
    assert not {pair.key for pair in mine} & {pair.key for pair in others}


def test_sides_are_fair():
    pairs = schedule(prompts=range(1_000), models=range(2), secret="coin")
    assert 430 < sum(pair.swapped for pair in pairs) < 570


def test_what_an_answer_means_depends_on_the_sides():
    assert choice_of(Answer.LEFT, swapped=False) is choice_of(Answer.RIGHT, swapped=True) is Choice.FIRST
    assert choice_of(Answer.RIGHT, swapped=False) is choice_of(Answer.LEFT, swapped=True) is Choice.SECOND
    for swapped in (False, True):
        assert choice_of(Answer.TIE, swapped=swapped) is Choice.TIE
        assert choice_of(Answer.BOTH_BAD, swapped=swapped) is Choice.BOTH_BAD
        assert choice_of(Answer.SKIP, swapped=swapped) is Choice.SKIPPED
