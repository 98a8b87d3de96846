"""Running a benchmark: starts a few cells at a time as predictions, and records their results.

`advance` can be called at any time, by any process, also concurrently: it reads the state and does what is missing.
Events of ended predictions and the sweep only request it. A cell and its prediction are written in one transaction,
under the benchmark's lock, so that no crash can run a cell twice. Locks are taken in the order benchmark, prediction,
hold, account.
"""

import logging
import math
import uuid
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from inference.domain.lifecycle import Origin, Status
from inference.links import absolute, artifact_path
from inference.read_models import PredictionView
from inference.selectors import some_predictions_for_buyer
from inference.services import cancel as cancelling
from inference.services.admit import CallTarget, PriceChanged, admit
from marketplace.accounts.selectors import platform_for
from marketplace.benchmarks.domain.states import MAX_IN_FLIGHT, CellState, State
from marketplace.benchmarks.models import Benchmark, Cell
from marketplace.catalog.domain import parse_reference
from marketplace.catalog.services import resolution
from marketplace.core.events import Payload
from marketplace.core.messages import send_notice
from marketplace.core.problems import NotFound, PaymentRequired, Problem

log = logging.getLogger(__name__)

ADVANCE_TASK = "benchmarks.advance"

WAITING = Q(state=CellState.WAITING)
STARTED = Q(state=CellState.STARTED)
TO_SCORE = Q(state=CellState.SUCCEEDED, score_prediction_id=None, score_error="")
BEING_SCORED = Q(score_prediction_id__isnull=False, score=None, score_error="")


def request_advance(benchmark_id: uuid.UUID) -> None:
    """Ask a platform worker to advance it after the commit; if the message is lost, the sweep advances it."""
    transaction.on_commit(partial(send_notice, ADVANCE_TASK, str(benchmark_id)))


def on_prediction_completed(payloads: Sequence[Payload]) -> None:
    """Advance the benchmarks whose predictions ended."""
    ids = [uuid.UUID(payload["id"]) for payload in payloads]
    cells = Cell.objects.filter(Q(prediction_id__in=ids) | Q(score_prediction_id__in=ids))
    for benchmark_id in cells.values_list("benchmark", flat=True).distinct():
        request_advance(benchmark_id)


def unfinished() -> list[uuid.UUID]:
    """The benchmarks that the sweep advances: those that run, or have predictions that have not ended."""
    under_way = Cell.objects.filter(STARTED | BEING_SCORED, benchmark=OuterRef("pk"))
    found = Benchmark.objects.filter(Q(state=State.RUNNING) | Exists(under_way))
    return list(found.order_by("pk").values_list("pk", flat=True))


def advance(*, benchmark_id: uuid.UUID) -> None:
    """Record which predictions ended, and start others up to the limit."""
    _note(benchmark_id)
    while _admit_next(benchmark_id):
        pass


def lock(benchmark_id: uuid.UUID) -> Benchmark:
    """The benchmark, locked until the transaction ends. It must exist."""
    locked = Benchmark.objects.select_for_update(of=("self",), no_key=True)
    return locked.select_related("organization", "scorer_version").get(pk=benchmark_id)


def _note(benchmark_id: uuid.UUID) -> None:
    with transaction.atomic():
        benchmark = lock(benchmark_id)
        cells = list(benchmark.cells.filter(STARTED | BEING_SCORED))
        ids = [id_ for cell in cells for id_ in (_awaited(cell),) if id_]
        predictions = some_predictions_for_buyer(benchmark.organization_id, ids)
        for cell in cells:
            _note_cell(cell, predictions, benchmark)
        Cell.objects.bulk_update(cells, ["state", "artifact_id", "error", "score", "score_error"])
        _complete_if_done(benchmark)
        left = [view.id for view in predictions.values() if not view.status.is_final]
    if benchmark.state == State.CANCELED:
        _cancel(benchmark, left)


def _awaited(cell: Cell) -> uuid.UUID | None:
    return cell.prediction_id if cell.state == CellState.STARTED else cell.score_prediction_id


def _note_cell(cell: Cell, predictions: Mapping[uuid.UUID, PredictionView], benchmark: Benchmark) -> None:
    awaited = _awaited(cell)
    view = predictions.get(awaited) if awaited else None
    if view is None or not view.status.is_final:
        return
    if cell.state == CellState.STARTED:
        if view.status is Status.SUCCEEDED and view.artifacts:
            cell.state, cell.artifact_id = CellState.SUCCEEDED, view.artifacts[0].id
        elif view.status is Status.CANCELED and benchmark.state == State.CANCELED:
            cell.state = CellState.CANCELED
        else:
            cell.state, cell.error = CellState.FAILED, _why(view)
    elif (score := _score_of(view)) is not None:
        cell.score = score
    else:
        cell.score_error = _why(view) if view.status is not Status.SUCCEEDED else "The scorer answered with no score."


def _why(view: PredictionView) -> str:
    if view.status is Status.CANCELED:
        return "Its prediction was canceled."
    return view.error or "Its prediction delivered nothing."


def _score_of(view: PredictionView) -> float | None:
    """The number in a scorer's answer `{"score": number}`; None if the answer is missing or different."""
    score = view.value.get("score") if isinstance(view.value, Mapping) else None
    if isinstance(score, bool) or not isinstance(score, int | float) or not math.isfinite(score):
        return None
    return float(score)


def _complete_if_done(benchmark: Benchmark) -> None:
    unfinished = WAITING | STARTED
    if benchmark.scorer_version_id:
        unfinished |= TO_SCORE | BEING_SCORED
    if benchmark.state == State.RUNNING and not benchmark.cells.filter(unfinished).exists():
        benchmark.state, benchmark.ended_at = State.COMPLETED, timezone.now()
        benchmark.save(update_fields=["state", "ended_at"])


def _cancel(benchmark: Benchmark, predictions: Iterable[uuid.UUID]) -> None:
    for prediction_id in predictions:
        try:
            cancelling.cancel(actor=platform_for(benchmark.organization), prediction_id=prediction_id)
        except NotFound:  # it was deleted meanwhile
            log.warning("prediction %s of benchmark %s is gone", prediction_id, benchmark.pk)


def _admit_next(benchmark_id: uuid.UUID) -> bool:
    """Start one more prediction, if one is needed and the limit allows it; return whether to try again."""
    cell: Cell | None = None
    try:
        with transaction.atomic():
            benchmark = lock(benchmark_id)
            cell = _next_cell(benchmark)
            if cell is None:
                return False
            _admit(benchmark, cell)
    except Problem as problem:
        assert cell is not None  # only admission refuses
        return _refused(benchmark_id, cell, problem)
    return True


def _next_cell(benchmark: Benchmark) -> Cell | None:
    """The next cell to start, or to score if it succeeded; None if nothing can be started now."""
    if benchmark.state != State.RUNNING:
        return None
    if benchmark.cells.filter(STARTED | BEING_SCORED).count() >= MAX_IN_FLIGHT:
        return None
    cells = benchmark.cells.select_related("prompt", "contestant").order_by("prompt__position", "contestant__position")
    to_score = cells.filter(TO_SCORE).first() if benchmark.scorer_version_id else None
    return to_score or cells.filter(WAITING).first()


def _admit(benchmark: Benchmark, cell: Cell) -> None:
    # The person who started it was allowed to; it continues if they leave the organisation.
    caller = platform_for(benchmark.organization, user_id=benchmark.started_by_id)
    if cell.state == CellState.WAITING:
        contestant, prompt = cell.contestant, cell.prompt
        target = pinned(contestant.model_name, contestant.version_id, contestant.price_id)
        inputs = {"prompt": prompt.text, "seed": prompt.seed}
        cell.prediction_id = admit(caller=caller, target=target, inputs=inputs, origin=Origin.BENCHMARK)
        cell.state = CellState.STARTED
    else:
        assert benchmark.scorer_version_id
        assert benchmark.scorer_price_id
        assert cell.artifact_id
        target = pinned(benchmark.scorer_name, benchmark.scorer_version_id, benchmark.scorer_price_id)
        inputs = {"prompt": cell.prompt.text, "image": absolute(artifact_path(cell.artifact_id))}
        cell.score_prediction_id = admit(caller=caller, target=target, inputs=inputs, origin=Origin.BENCHMARK)
    cell.save(update_fields=["prediction_id", "state", "score_prediction_id"])


def pinned(model: str, version: str, price_id: int) -> CallTarget:
    """The call target of the pinned version and price.

    Raises:
        PriceChanged: the price in effect is not the pinned one.
        NotFound: the model is no longer on sale.
    """
    reference = parse_reference(f"{model}:{version}")
    assert reference is not None
    target = resolution.resolve(reference)
    if target.terms.id != price_id:
        resolution.forget(reference)  # the snapshot may be older than the pin
        target = resolution.resolve(reference)
    if target.terms.id != price_id:
        raise PriceChanged(f"The price of {model} has changed since this benchmark started.")
    return target


def _refused(benchmark_id: uuid.UUID, cell: Cell, problem: Problem) -> bool:
    """Pause if a person must decide; if only this cell is refused, record why. Return whether to continue."""
    with transaction.atomic():
        benchmark = lock(benchmark_id)
        if benchmark.state != State.RUNNING:
            return False
        if isinstance(problem, PaymentRequired | PriceChanged):
            benchmark.state, benchmark.trouble = State.PAUSED, _trouble(problem)
            benchmark.save(update_fields=["state", "trouble"])
            return False
        same = Cell.objects.filter(pk=cell.pk)
        if cell.state == CellState.WAITING:
            same.filter(WAITING).update(state=CellState.FAILED, error=problem.detail)
        else:
            same.filter(TO_SCORE).update(score_error=problem.detail)
        _complete_if_done(benchmark)
    return True


def _trouble(problem: Problem) -> str:
    if isinstance(problem, PaymentRequired):
        return "The balance does not cover the next picture. Top up, then resume; what was made is kept."
    return f"{problem.detail.split('. ')[0].rstrip('.')}. Look at what the rest costs now, then resume or cancel."
