"""Actions on a started benchmark: cancel, resume, retry."""

import uuid
from collections import defaultdict

from django.db import transaction
from django.utils import timezone

from inference.services.admit import CallTarget
from marketplace.accounts import policy
from marketplace.accounts.domain import Actor
from marketplace.accounts.policy import Action
from marketplace.accounts.services import audit
from marketplace.benchmarks.domain.states import CellState, State
from marketplace.benchmarks.models import Benchmark, Prompt
from marketplace.benchmarks.selectors.benchmarks import benchmark_for_buyer
from marketplace.benchmarks.services import rounds
from marketplace.benchmarks.services.estimates import amount_of_prompts, amount_of_scores
from marketplace.benchmarks.services.start import EstimateChanged
from marketplace.catalog.domain import parse_reference
from marketplace.catalog.services import resolution
from marketplace.core.problems import Conflict, NotFound


def cancel(*, actor: Actor, benchmark_id: uuid.UUID | None) -> None:
    """Start no more predictions, and cancel those that have not ended. Canceling an ended benchmark changes nothing.

    Raises:
        Forbidden: see `policy.require`.
        NotFound: the organisation has no such benchmark.
    """
    with transaction.atomic():
        benchmark = _locked(actor, benchmark_id)
        policy.require(actor, Action.CANCEL_BENCHMARK)
        if benchmark.state in (State.COMPLETED, State.CANCELED):
            return
        benchmark.state, benchmark.trouble, benchmark.ended_at = State.CANCELED, "", timezone.now()
        benchmark.save(update_fields=["state", "trouble", "ended_at"])
        benchmark.cells.filter(rounds.WAITING).update(state=CellState.CANCELED)
        _record(actor, benchmark, "benchmark.canceled")
    rounds.advance(benchmark_id=benchmark.pk)  # the sweep continues if this is interrupted


def rest_of(benchmark: Benchmark) -> tuple[int, dict[int, CallTarget]]:
    """The cost of the rest at the prices in effect now, in micro-units, and the call target for each contestant's id.

    Both omit a model that is no longer on sale; its cells will fail with that reason.
    """
    total, targets = 0, {}
    waiting: dict[int, list[Prompt]] = defaultdict(list)
    for cell in benchmark.cells.filter(rounds.WAITING).select_related("prompt"):
        waiting[cell.contestant_id].append(cell.prompt)
    for contestant in benchmark.contestants.all():
        target = _current(contestant.model_name, contestant.version_id)
        if target is not None:
            targets[contestant.pk] = target
            total += amount_of_prompts(target, waiting[contestant.pk])
    scorer = scorer_of(benchmark)
    if scorer is not None:
        unscored = rounds.WAITING | rounds.STARTED | rounds.TO_SCORE
        total += amount_of_scores(scorer, benchmark.cells.filter(unscored).count())
    return total, targets


def scorer_of(benchmark: Benchmark) -> CallTarget | None:
    """The call target for scores; None without a scorer, or if it is not on sale."""
    return _current(benchmark.scorer_name, benchmark.scorer_version_id) if benchmark.scorer_version_id else None


def resume(*, actor: Actor, benchmark_id: uuid.UUID | None, agreed: int) -> None:
    """Continue a paused benchmark at the prices in effect now. Resuming one that runs changes nothing.

    Args:
        agreed: the cost of the rest that the person was shown, in micro-units.

    Raises:
        Forbidden: see `policy.require`.
        NotFound: the organisation has no such benchmark.
        EstimateChanged: the rest now costs a different amount.
    """
    with transaction.atomic():
        benchmark = _locked(actor, benchmark_id)
        policy.require(actor, Action.RESUME_BENCHMARK)
        if benchmark.state != State.PAUSED:
            return
        total, targets = rest_of(benchmark)
        if total != agreed:
            raise EstimateChanged("What is left costs something else now. Nothing was started; look at it once more.")
        for contestant in benchmark.contestants.all():
            if contestant.pk in targets:
                contestant.price_id = targets[contestant.pk].terms.id
                contestant.save(update_fields=["price"])
        if scorer := scorer_of(benchmark):
            benchmark.scorer_price_id = scorer.terms.id
        benchmark.state, benchmark.trouble = State.RUNNING, ""
        benchmark.save(update_fields=["state", "trouble", "scorer_price"])
        _record(actor, benchmark, "benchmark.resumed")
        rounds.request_advance(benchmark.pk)


def retry(*, actor: Actor, benchmark_id: uuid.UUID | None) -> None:
    """Run the failed cells and scores again.

    Raises:
        Forbidden: see `policy.require`.
        NotFound: the organisation has no such benchmark.
        Conflict: it was canceled.
    """
    with transaction.atomic():
        benchmark = _locked(actor, benchmark_id)
        policy.require(actor, Action.RETRY_BENCHMARK)
        if benchmark.state == State.CANCELED:
            raise Conflict("This benchmark was canceled. Start a new one with the same prompt set.")
        failed = benchmark.cells.filter(state=CellState.FAILED)
        again = failed.update(state=CellState.WAITING, prediction_id=None, error="")
        again += benchmark.cells.exclude(score_error="").update(score_prediction_id=None, score_error="")
        if again and benchmark.state == State.COMPLETED:
            benchmark.state, benchmark.ended_at = State.RUNNING, None
            benchmark.save(update_fields=["state", "ended_at"])
        if again:
            _record(actor, benchmark, "benchmark.retried")
        rounds.request_advance(benchmark.pk)


def _current(model: str, version: str) -> CallTarget | None:
    reference = parse_reference(f"{model}:{version}")
    assert reference is not None
    try:
        return resolution.look_up(reference)
    except NotFound:
        return None


def _locked(actor: Actor, benchmark_id: uuid.UUID | None) -> Benchmark:
    """The benchmark of the actor's organisation, locked until the transaction ends."""
    return rounds.lock(benchmark_for_buyer(actor.organization_id, benchmark_id).pk)


def _record(actor: Actor, benchmark: Benchmark, action: str) -> None:
    audit.record(actor, action=action, subject=str(benchmark.pk), name=benchmark.name)
