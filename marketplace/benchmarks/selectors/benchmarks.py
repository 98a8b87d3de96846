"""Reads an organisation's benchmarks and their progress."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from marketplace.accounts import policy
from marketplace.accounts.domain import Actor
from marketplace.accounts.policy import Action
from marketplace.benchmarks.domain.states import CellState, Choice
from marketplace.benchmarks.models import Benchmark, Cell, Prompt, Reveal, Vote
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
        .annotate(vote_count=Coalesce(Subquery(_votes()), 0))
        .prefetch_related("contestants__version", "contestants__price")
        .order_by("-created_at", "-id")
    )


def _votes() -> QuerySet[Any, Any]:
    """The number of votes of a benchmark; counted for those of a page only, as a join would not be."""
    votes = Vote.objects.filter(benchmark=OuterRef("pk")).exclude(choice=Choice.SKIPPED)
    return votes.order_by().values("benchmark").annotate(count=Count("*")).values("count")


def benchmark_for_buyer(organization_id: uuid.UUID, benchmark_id: uuid.UUID | None) -> Benchmark:
    """One benchmark of the organisation. Raises NotFound."""
    found = benchmarks_for_buyer(organization_id).filter(pk=benchmark_id).first() if benchmark_id else None
    if found is None:
        raise NotFound("There is no such benchmark")
    return found


def progress_of(benchmark: Benchmark) -> Progress:
    """The counts of the benchmark's cells."""
    return progress_of_each([benchmark])[benchmark.pk]


def progress_of_each(benchmarks: Collection[Benchmark]) -> dict[uuid.UUID, Progress]:
    """The counts of the cells of each of these benchmarks."""
    states: dict[uuid.UUID, dict[str, tuple[int, int, int]]] = {one.pk: {} for one in benchmarks}
    counts = Cell.objects.filter(benchmark__in=[one.pk for one in benchmarks]).values_list("benchmark", "state")
    for benchmark, state, *row in counts.annotate(
        Count("id"), scored=Count("score"), unscored=Count("id", filter=~Q(score_error=""))
    ):
        states[benchmark][state] = tuple(row)
    return {one.pk: _progress(states[one.pk], has_scorer=one.scorer_version_id is not None) for one in benchmarks}


def _progress(states: Mapping[str, tuple[int, int, int]], *, has_scorer: bool) -> Progress:
    """Args: states: cells, scored cells and cells whose scoring failed, by the cells' state."""
    count = {state: found[0] for state, found in states.items()}
    succeeded = count.get(CellState.SUCCEEDED, 0)
    return Progress(
        total=sum(count.values()),
        done=sum(found for state, found in count.items() if CellState(state).is_final),
        succeeded=succeeded,
        failed=count.get(CellState.FAILED, 0),
        running=count.get(CellState.STARTED, 0),
        to_score=succeeded if has_scorer else 0,
        scored=sum(found[1] for found in states.values()) if has_scorer else 0,
        unscored=sum(found[2] for found in states.values()),
    )


def failed_cells(benchmark: Benchmark) -> list[Cell]:
    """The cells that failed, or whose scoring failed, in the order of the prompts."""
    failed = benchmark.cells.filter(Q(state=CellState.FAILED) | ~Q(score_error=""))
    return list(failed.select_related("prompt", "contestant").order_by("prompt__position", "contestant__position"))


def grid_of(benchmark: Benchmark, prompts: Collection[Prompt]) -> list[Cell]:
    """The cells of these prompts, by prompt, then by model in the benchmark's order."""
    cells = benchmark.cells.filter(prompt__in=[prompt.pk for prompt in prompts]).select_related("prompt", "contestant")
    return list(cells.order_by("prompt__position", "contestant__position"))


def sees_names(benchmark: Benchmark, actor: Actor) -> bool:
    """Whether this person sees names and results: they revealed them, or have no vote to keep blind."""
    if not policy.allows(actor, Action.VOTE):
        return True
    return Reveal.objects.filter(benchmark=benchmark, user=actor.user_id).exists()
