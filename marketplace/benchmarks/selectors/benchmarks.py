"""Reading an organisation's benchmarks: where they stand, and what of them is to be seen."""

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
        done: ended, however they ended.
        scored: cells with the scorer's answer, of `to_score`; both zero without a scorer.
        unscored: cells that the scorer failed on.
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
    """The organisation's benchmarks, newest first, each with `vote_count` of those that were not skipped."""
    return (
        Benchmark.objects.filter(organization=organization_id)
        .select_related("prompt_set", "started_by", "organization")
        .annotate(vote_count=Count("votes", filter=~Q(votes__choice=Choice.SKIPPED)))
        .prefetch_related("contestants__version", "contestants__price")
        .order_by("-created_at")
    )


def benchmark_for_buyer(organization_id: uuid.UUID, benchmark_id: uuid.UUID | None) -> Benchmark:
    """Raises NotFound unless the organisation has this benchmark."""
    found = benchmarks_for_buyer(organization_id).filter(pk=benchmark_id).first() if benchmark_id else None
    if found is None:
        raise NotFound("There is no such benchmark")
    return found


def progress_of(benchmark: Benchmark) -> Progress:
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
    """The cells, or their scores, that failed, in the order of the prompts."""
    failed = benchmark.cells.filter(Q(state=CellState.FAILED) | ~Q(score_error=""))
    return list(failed.select_related("prompt", "contestant").order_by("prompt__position", "contestant__position"))


def grid_of(benchmark: Benchmark) -> list[Cell]:
    """All cells, prompt by prompt, the models in the benchmark's order."""
    cells = benchmark.cells.select_related("prompt", "contestant")
    return list(cells.order_by("prompt__position", "contestant__position"))


def sees_names(benchmark: Benchmark, actor: Actor) -> bool:
    """Whether this person sees names and results: they asked for them, or have no vote to keep blind."""
    if not policy.allows(actor, Action.VOTE):
        return True
    return Reveal.objects.filter(benchmark=benchmark, user=actor.user_id).exists()
