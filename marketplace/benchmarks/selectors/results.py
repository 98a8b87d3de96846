"""The results of a benchmark: the ranking with its intervals, and each model's times and costs."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from billing.pricing.selectors import terms_of
from inference.read_models import PredictionView
from inference.selectors import some_predictions_for_buyer
from inference.services.estimates import estimate
from marketplace.benchmarks.domain import ranking
from marketplace.benchmarks.domain.agreement import krippendorff_alpha
from marketplace.benchmarks.domain.figures import cost_per_accepted, percentile
from marketplace.benchmarks.domain.ranking import Comparison, Ranking, Standing
from marketplace.benchmarks.domain.states import COMPARED_TASK, CellState, Choice
from marketplace.benchmarks.models import Benchmark, Cell, Contestant, Vote
from marketplace.catalog.services.resolution import input_check
from providers.tasks import task_named


@dataclass(frozen=True)
class Seconds:
    """The median and the 95th percentile of one part of the runs; None without measurements."""

    p50: float | None
    p95: float | None


@dataclass(frozen=True)
class Result:
    """One model's row.

    Attributes:
        standing: its place in the ranking; None while there are no votes.
        price: micro-units for one picture at the model's defaults, by the pinned price.
        charged: micro-units for all its pictures.
        per_accepted: micro-units for one usable picture.
        total: seconds from the call to the answer.
        score: the mean of its scores.
    """

    contestant: Contestant
    standing: Standing | None
    pictures: int
    failed: int
    price: int
    charged: int
    per_accepted: int | None
    total: Seconds
    queue: Seconds
    load: Seconds
    run: Seconds
    score: float | None
    scored: int


@dataclass(frozen=True)
class Verdict:
    """The comparison of two contestants."""

    better: Contestant
    worse: Contestant
    comparison: Comparison


@dataclass(frozen=True)
class Results:
    """The results of a benchmark; rows are best first.

    Attributes:
        alpha: the voters' agreement; None if no pair has votes of two people.
    """

    rows: tuple[Result, ...]
    verdicts: tuple[Verdict, ...]
    ranking: Ranking | None
    alpha: float | None
    voters: int
    currency: str


def results_of(benchmark: Benchmark) -> Results:
    """Compute the results from the benchmark's votes, cells and predictions."""
    contestants = list(benchmark.contestants.all())
    votes = counted_votes(benchmark)
    found = _ranking(contestants, votes) if votes else None
    standings = {standing.model: standing for standing in found.standings} if found else {}
    cells: dict[int, list[Cell]] = defaultdict(list)
    for cell in benchmark.cells.all():
        cells[cell.contestant_id].append(cell)
    ids = [cell.prediction_id for group in cells.values() for cell in group if cell.prediction_id]
    views = some_predictions_for_buyer(benchmark.organization_id, ids)
    rows = [
        _row(contestant, standings.get(position), cells[contestant.pk], views)
        for position, contestant in enumerate(contestants)
    ]
    order = [standing.model for standing in found.standings] if found else range(len(contestants))
    comparisons = found.comparisons if found else ()
    return Results(
        rows=tuple(rows[position] for position in order),
        verdicts=tuple(Verdict(contestants[c.better], contestants[c.worse], c) for c in comparisons),
        ranking=found,
        alpha=krippendorff_alpha(
            (vote.voter_id, (vote.prompt_id, vote.first_id, vote.second_id), vote.choice) for vote in votes
        ),
        voters=len({vote.voter_id for vote in votes}),
        currency=contestants[0].price.currency,
    )


def counted_votes(benchmark: Benchmark) -> list[Vote]:
    """All votes that were not skipped, in the order of voting, with voter, prompt and models."""
    votes = benchmark.votes.exclude(choice=Choice.SKIPPED)
    return list(votes.select_related("voter", "prompt", "first", "second").order_by("pk"))


def _ranking(contestants: Sequence[Contestant], votes: Sequence[Vote]) -> Ranking:
    position = {contestant.pk: index for index, contestant in enumerate(contestants)}
    ballots = tuple(
        ranking.Ballot(vote.prompt_id, position[vote.first_id], position[vote.second_id], Choice(vote.choice))
        for vote in votes
    )
    return _ranked(ballots, len(contestants))


@lru_cache(maxsize=32)
def _ranked(ballots: tuple[ranking.Ballot, ...], models: int) -> Ranking:
    """The ranking, cached: it is deterministic, and the bootstrap takes up to a second."""
    return ranking.rank(ballots, models=models)


def _row(
    contestant: Contestant,
    standing: Standing | None,
    cells: Sequence[Cell],
    views: dict[uuid.UUID, PredictionView],
) -> Result:
    good = [cell for cell in cells if cell.state == CellState.SUCCEEDED]
    predictions = [views[cell.prediction_id] for cell in good if cell.prediction_id in views]
    scores = [cell.score for cell in good if cell.score is not None]
    price = _picture_price(contestant)
    return Result(
        contestant=contestant,
        standing=standing,
        pictures=len(good),
        failed=sum(cell.state == CellState.FAILED for cell in cells),
        price=price,
        charged=sum(view.amount_charged or 0 for view in predictions),
        per_accepted=cost_per_accepted(price, both_bad=standing.both_bad if standing else None),
        total=_seconds([view.total_seconds for view in predictions]),
        queue=_seconds([view.queue_seconds for view in predictions]),
        load=_seconds([view.load_seconds for view in predictions]),
        run=_seconds([view.run_seconds for view in predictions]),
        score=sum(scores) / len(scores) if scores else None,
        scored=len(scores),
    )


def _picture_price(contestant: Contestant) -> int:
    task, check = task_named(COMPARED_TASK), input_check(contestant.version_id)
    rated = estimate(task=task, check=check, terms=terms_of(contestant.price), inputs={})
    assert rated.amount is not None  # the size of a picture has a default
    return rated.amount


def _seconds(values: Sequence[float | None]) -> Seconds:
    known = [value for value in values if value is not None]
    return Seconds(percentile(known, 0.5), percentile(known, 0.95))
