"""From votes to a ranking with intervals, and to which differences are none. Pure."""

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
SEED = 1_952  # any will do; a fixed one gives the same intervals for the same votes
MEAN_SCORE = 1_500.0
ELO = 400 / math.log(10)  # points for a factor of e in the odds
INTERVAL = (2.5, 97.5)  # percentiles
MAX_ITERATIONS = 1_000
PRIOR_TIE = 1.0  # half a vote for each side

# With fewer prompts no result is rarer than chance: all of five agree by luck in 2 of 32 cases, all of six in 2 of 64.
MIN_PROMPTS = 6

Floats = npt.NDArray[np.float64]
Fit = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Ballot:
    """One vote: `first` and `second` are positions of models, in ascending order; never a skipped one."""

    prompt: int
    first: int
    second: int
    choice: Choice


@dataclass(frozen=True)
class Standing:
    """Where one model stands.

    Attributes:
        rank: one more than the models that are distinguishably better.
        score: Elo points around 1,500, with `low` and `high` the ends of its 95% interval.
        votes: in which it took part.
        win_rate: wins and half of the ties over its votes; None without any.
        both_bad: the share of its votes that found both pictures unusable; None without any.
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
    """Two models against each other, `better` being the one with the higher score.

    Attributes:
        difference: in Elo points, with `low` and `high` the ends of its 95% interval.
        distinguishable: whether that interval leaves zero out.
        share: of the decisive votes between the two that went to `better`; None without any.
        more_votes: how many more votes on this pair would tell, were the present share the true one; None where it
            cannot be said.
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
    """The outcome of a vote. `standings` are best first, `comparisons` cover all pairs; `prompts` had a vote."""

    standings: tuple[Standing, ...]
    comparisons: tuple[Comparison, ...]
    votes: int
    prompts: int
    resamples: int


def rank(ballots: Sequence[Ballot], *, models: int, resamples: int = RESAMPLES, seed: int = SEED) -> Ranking:
    """Rank models 0 … `models` - 1 by a Bradley-Terry fit, with intervals that respect that prompts are clusters.

    The fit is evalica's, of Bradley and Terry, Rank Analysis of Incomplete Block Designs, Biometrika 39 (1952),
    324-345. A tie is half a win for each side, and so is "both bad".

    A model that never lost would have an infinite score. So every fit counts half a vote for each side of each pair
    (Jeffreys' prior; Firth, Bias Reduction of Maximum Likelihood Estimates, Biometrika 80 (1993), 27-38), and two
    further votes, one for either side, are added to what was given, as Agresti and Coull add to a proportion (The
    American Statistician 52 (1998), 119-126).

    The intervals are percentiles of a bootstrap that draws prompts, not votes: whoever votes on the same prompt sees
    the same pictures, so their votes are not independent (Field and Welsh, Bootstrapping clustered data, Journal of
    the Royal Statistical Society B 69 (2007), 369-390). The two added votes are drawn like prompts, which keeps the
    intervals of a few prompts as wide as they ought to be: with one vote on each prompt, two models are distinguishable
    just where the exact sign test says so. With votes on fewer than `MIN_PROMPTS` prompts nothing is.
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

    The first rows are the prompts', the last the added votes', each a cluster of its own.
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
    """A function from the weights of `_counts`' columns to the models' scores."""
    # pandas and scipy, which evalica brings, take a second to import and are needed on this one page.
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
    # By symmetry the fit of equal records is equal only up to its tolerance.
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
    """Votes that are missing on a pair, ties and resemblance within prompts counted in; at least one."""
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
