"""Reads an organisation's benchmarks and their progress."""

import uuid
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from marketplace.accounts import policy
from marketplace.accounts.domain import Actor
from marketplace.accounts.policy import Action
from marketplace.benchmarks.domain.states import CellState, Choice
from marketplace.benchmarks.models import Benchmark, Cell, Reveal
from marketplace.core.problems import NotFound


@dataclass(frozen=True)
class Progress:
    """How many cells are in which state.

    Attributes:
        done: cells in a final state.
        scored: cells with a score, of `to_score`; both are zero without a scorer.
        unscored: cells whose scoring failed.
    """

    total: int
    done: int
    succeeded: int
    failed: int
    running: int
    to_score: int
    scored: int
    unscored: int


def benchmarks_for_buyer(organization_id: uuid.UUID) -> QuerySet[Benchmark]:
    """The organisation's benchmarks, newest first, each with `vote_count`, without skipped votes."""
    return (
        Benchmark.objects.filter(organization=organization_id)
        .select_related("prompt_set", "started_by", "organization")
        .annotate(vote_count=Count("votes", filter=~Q(votes__choice=Choice.SKIPPED)))
        .prefetch_related("contestants__version", "contestants__price")
        .order_by("-created_at")
    )


def benchmark_for_buyer(organization_id: uuid.UUID, benchmark_id: uuid.UUID | None) -> Benchmark:
    """One benchmark of the organisation. Raises NotFound."""
    found = benchmarks_for_buyer(organization_id).filter(pk=benchmark_id).first() if benchmark_id else None
    if found is None:
        raise NotFound("There is no such benchmark")
    return found


def progress_of(benchmark: Benchmark) -> Progress:
    """The counts of the benchmark's cells."""
    states = dict(benchmark.cells.values_list("state").annotate(Count("id")))
    succeeded = states.get(CellState.SUCCEEDED, 0)
    scored = benchmark.cells.filter(score__isnull=False).count() if benchmark.scorer_version_id else 0
    return Progress(
        total=sum(states.values()),
        done=sum(count for state, count in states.items() if CellState(state).is_final),
        succeeded=succeeded,
        failed=states.get(CellState.FAILED, 0),
        running=states.get(CellState.STARTED, 0),
        to_score=succeeded if benchmark.scorer_version_id else 0,
        scored=scored,
        unscored=benchmark.cells.exclude(score_error="").count(),
    )


def failed_cells(benchmark: Benchmark) -> list[Cell]:
    """The cells that failed, or whose scoring failed, in the order of the prompts."""
    failed = benchmark.cells.filter(Q(state=CellState.FAILED) | ~Q(score_error=""))
    return list(failed.select_related("prompt", "contestant").order_by("prompt__position", "contestant__position"))


def grid_of(benchmark: Benchmark) -> list[Cell]:
    """All cells, by prompt, then by model in the benchmark's order."""
    cells = benchmark.cells.select_related("prompt", "contestant")
    return list(cells.order_by("prompt__position", "contestant__position"))


def sees_names(benchmark: Benchmark, actor: Actor) -> bool:
    """Whether this person sees names and results: they revealed them, or have no vote to keep blind."""
    if not policy.allows(actor, Action.VOTE):
        return True
    return Reveal.objects.filter(benchmark=benchmark, user=actor.user_id).exists()
