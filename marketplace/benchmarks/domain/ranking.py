"""Computes a ranking with intervals, and which differences are significant, from votes. Pure functions."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from marketplace.benchmarks.domain.power import decisive_votes_needed, design_effect
from marketplace.benchmarks.domain.states import Choice

RESAMPLES = 1_000
SEED = 1_952  # arbitrary, but fixed: the same votes give the same intervals
MEAN_SCORE = 1_500.0
ELO = 400 / math.log(10)  # points for a factor of e in the odds
INTERVAL = (2.5, 97.5)  # percentiles
MAX_ITERATIONS = 1_000
PRIOR_TIE = 1.0  # half a vote for each side

# With fewer prompts no result is significant: five of five has a probability of 2 in 32, six of six of 2 in 64.
MIN_PROMPTS = 6

Floats = npt.NDArray[np.float64]
Fit = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Ballot:
    """One vote: `first` and `second` are positions of models, in ascending order; skipped votes are excluded."""

    prompt: int
    first: int
    second: int
    choice: Choice


@dataclass(frozen=True)
class Standing:
    """One model's place in the ranking.

    Attributes:
        rank: one more than the number of models that are distinguishably better.
        score: Elo points around 1,500; `low` and `high` are the ends of its 95% interval.
        votes: the number of votes on its pictures.
        win_rate: wins and half of the ties over its votes; None without votes.
        both_bad: the share of its votes that found both pictures unusable; None without votes.
    """

    model: int
    rank: int
    score: float
    low: float
    high: float
    votes: int
    win_rate: float | None
    both_bad: float | None


@dataclass(frozen=True)
class Comparison:
    """The comparison of two models; `better` has the higher score.

    Attributes:
        difference: in Elo points; `low` and `high` are the ends of its 95% interval.
        distinguishable: whether that interval excludes zero.
        share: the part of the decisive votes between the two that went to `better`; None without any.
        more_votes: how many more votes on this pair would be needed if the present share were the true one; None if
            unknown.
    """

    better: int
    worse: int
    difference: float
    low: float
    high: float
    votes: int
    distinguishable: bool
    share: float | None
    more_votes: int | None


@dataclass(frozen=True)
class Ranking:
    """The result of a vote. `standings` are best first, `comparisons` cover all pairs; `prompts` have votes."""

    standings: tuple[Standing, ...]
    comparisons: tuple[Comparison, ...]
    votes: int
    prompts: int
    resamples: int


def rank(ballots: Sequence[Ballot], *, models: int, resamples: int = RESAMPLES, seed: int = SEED) -> Ranking:
    """Rank models 0 … `models` - 1 by a Bradley-Terry fit, with intervals from a cluster bootstrap over prompts.

    The fit is evalica's, of Bradley and Terry, Rank Analysis of Incomplete Block Designs, Biometrika 39 (1952),
    324-345. A tie is half a win for each side; so is "both bad".

    A model that never lost would have an infinite score. So every fit counts half a vote for each side of each pair
    (Jeffreys' prior; Firth, Bias Reduction of Maximum Likelihood Estimates, Biometrika 80 (1993), 27-38), and two
    further votes, one for either side, are added to the given ones, as Agresti and Coull do for a proportion (The
    American Statistician 52 (1998), 119-126).

    The intervals are percentiles of a bootstrap that draws prompts, not votes: voters on the same prompt see the same
    pictures, so their votes are not independent (Field and Welsh, Bootstrapping clustered data, Journal of the Royal
    Statistical Society B 69 (2007), 369-390). The two added votes are drawn like prompts, which keeps the intervals of
    few prompts wide enough: with one vote on each prompt, two models are distinguishable exactly where the exact sign
    test is significant. With votes on fewer than `MIN_PROMPTS` prompts no two models are distinguishable.
    """
    pairs = list(combinations(range(models), 2))
    prompts = sorted({ballot.prompt for ballot in ballots})
    counts = _counts(ballots, prompts=prompts, pairs=pairs)
    fit = _fitter(pairs, models=models)
    scores = fit(counts.sum(axis=0))
    drawn = np.random.default_rng(seed).multinomial(len(counts), np.full(len(counts), 1 / len(counts)), size=resamples)
    samples = np.array([fit(weights) for weights in drawn @ counts])

    comparisons = tuple(_compare(ballots, pair, scores, samples, prompts=len(prompts)) for pair in pairs)
    beaten_by = Counter(comparison.worse for comparison in comparisons if comparison.distinguishable)
    lows, highs = np.percentile(samples, INTERVAL, axis=0)
    order = sorted(range(models), key=lambda model: (beaten_by[model], -scores[model], model))
    standings = tuple(
        Standing(
            model=model,
            rank=1 + beaten_by[model],
            score=float(scores[model]),
            low=float(lows[model]),
            high=float(highs[model]),
            votes=len(own := [ballot for ballot in ballots if model in (ballot.first, ballot.second)]),
            win_rate=sum(_gain(ballot, model) for ballot in own) / len(own) if own else None,
            both_bad=sum(ballot.choice is Choice.BOTH_BAD for ballot in own) / len(own) if own else None,
        )
        for model in order
    )
    return Ranking(standings, comparisons, votes=len(ballots), prompts=len(prompts), resamples=resamples)


def _counts(ballots: Sequence[Ballot], *, prompts: Sequence[int], pairs: Sequence[tuple[int, int]]) -> Floats:
    """Votes by cluster (rows) and, for each pair, wins of the first, of the second, and ties (columns).

    The first rows are prompts; the last rows are the added votes, each a cluster of its own.
    """
    row_of = {prompt: row for row, prompt in enumerate(prompts)}
    column_of = {pair: 3 * index for index, pair in enumerate(pairs)}
    counts = np.zeros((len(prompts) + 2 * len(pairs), 3 * len(pairs)))
    for ballot in ballots:
        offset = {Choice.FIRST: 0, Choice.SECOND: 1}.get(ballot.choice, 2)
        counts[row_of[ballot.prompt], column_of[ballot.first, ballot.second] + offset] += 1
    for index in range(len(pairs)):
        counts[len(prompts) + 2 * index, 3 * index] = 1
        counts[len(prompts) + 2 * index + 1, 3 * index + 1] = 1
    return counts


def _fitter(pairs: Sequence[tuple[int, int]], *, models: int) -> Fit:
    """A function from the weights of the columns of `_counts` to the models' scores."""
    # evalica imports pandas and scipy, which takes a second and is needed on one page only.
    import evalica
    import pandas as pd

    xs = [first for first, _ in pairs for _ in range(3)]
    ys = [second for _, second in pairs for _ in range(3)]
    winners = [evalica.Winner.X, evalica.Winner.Y, evalica.Winner.Draw] * len(pairs)
    index: Any = pd.Index(range(models))

    def fit(weights: Floats) -> Floats:
        weights = weights + np.tile([0.0, 0.0, PRIOR_TIE], len(pairs))
        found = evalica.bradley_terry(xs, ys, winners, index=index, weights=weights.tolist(), limit=MAX_ITERATIONS)
        logs = np.log(found.scores.loc[index].to_numpy())
        centered: Floats = MEAN_SCORE + ELO * (logs - logs.mean())
        return centered

    return fit


def _compare(
    ballots: Sequence[Ballot], pair: tuple[int, int], scores: Floats, samples: Floats, *, prompts: int
) -> Comparison:
    better, worse = sorted(pair, key=lambda model: -scores[model])
    low, high = np.percentile(samples[:, better] - samples[:, worse], INTERVAL)
    # Scores of models with equal records differ by up to the tolerance of the fit.
    distinguishable = bool(prompts >= MIN_PROMPTS and low > 1e-6)
    direct = [ballot for ballot in ballots if (ballot.first, ballot.second) == pair]
    clusters: dict[int, tuple[int, int]] = {}
    for ballot in direct:
        if ballot.choice in (Choice.FIRST, Choice.SECOND):
            wins, votes = clusters.get(ballot.prompt, (0, 0))
            clusters[ballot.prompt] = (wins + int(_gain(ballot, better) == 1), votes + 1)
    decisive = sum(votes for _, votes in clusters.values())
    share = sum(wins for wins, _ in clusters.values()) / decisive if decisive else None
    return Comparison(
        better=better,
        worse=worse,
        difference=float(scores[better] - scores[worse]),
        low=float(low),
        high=float(high),
        votes=len(direct),
        distinguishable=distinguishable,
        share=share,
        more_votes=None if distinguishable else _more_votes(list(clusters.values()), len(direct), share),
    )


def _more_votes(clusters: Sequence[tuple[int, int]], votes: int, share: float | None) -> int | None:
    """Further votes needed on a pair, with allowance for ties and for correlation within prompts; at least one."""
    if share is None or share < 0.5:
        return None
    needed = decisive_votes_needed(share)
    if needed is None:
        return None
    decisive = sum(count for _, count in clusters)
    total = math.ceil(needed * design_effect(clusters) * votes / decisive)
    return max(1, total - votes)


def _gain(ballot: Ballot, model: int) -> float:
    match ballot.choice:
        case Choice.FIRST:
            return float(model == ballot.first)
        case Choice.SECOND:
            return float(model == ballot.second)
        case _:
            return 0.5
