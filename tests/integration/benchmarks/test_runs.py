"""Running benchmarks: admission, crashes, pausing and canceling."""

import uuid
from collections import Counter

import pytest
from django.db import transaction

from billing.payments.services.top_ups import top_up
from inference.domain.lifecycle import Origin, Status
from inference.models import Prediction
from inference.services.cancel import cancel as cancel_prediction
from marketplace.accounts.models import AuditEvent
from marketplace.benchmarks.domain.prompts import parse_text
from marketplace.benchmarks.domain.states import MAX_IN_FLIGHT, CellState, State
from marketplace.benchmarks.models import Benchmark, Cell
from marketplace.benchmarks.selectors.benchmarks import benchmark_for_buyer, progress_of
from marketplace.benchmarks.services import control, rounds
from marketplace.benchmarks.services.estimates import estimate
from marketplace.benchmarks.services.prompt_sets import Frozen, change_prompt_set
from marketplace.benchmarks.services.start import EstimateChanged, start
from marketplace.core.models import OutboxEvent
from marketplace.core.outbox import relay
from marketplace.core.problems import Conflict, Forbidden, Invalid, NotFound, PaymentRequired
from tests.support.benchmark_market import BenchmarkCase, list_model, make_prompts, member_of
from tests.support.concurrency import MAX_CONCURRENT_CALLS, run_concurrently
from tests.support.inference_market import balance_of_buyer, make_buyer
from tests.support.parties import make_party

pytestmark = pytest.mark.usefixtures("database")


def predictions(case: BenchmarkCase) -> list[Prediction]:
    return list(Prediction.objects.filter(organization=case.buyer.organization).order_by("pk"))


def test_each_prompt_runs_once_on_each_model_with_the_same_seed():
    case = BenchmarkCase(prompts=3)
    case.start()
    case.run_to_the_end()
    assert case.state is State.COMPLETED
    assert case.benchmark.ended_at is not None
    seeds = dict(case.prompt_set.prompts.values_list("text", "seed"))
    ran = Counter((p.version_id, p.input["prompt"], p.input["seed"]) for p in predictions(case))
    assert ran == {(sale.target.version, text, seed): 1 for sale in case.sales for text, seed in seeds.items()}
    assert {p.origin for p in predictions(case)} == {Origin.BENCHMARK}
    assert {p.user_id for p in predictions(case)} == {case.by.user_id}
    assert [cell.state for cell in case.cells()] == [CellState.SUCCEEDED] * 6
    for cell in case.cells():
        assert cell.artifact_id == Prediction.objects.get(pk=cell.prediction_id).artifacts.get().pk
    assert balance_of_buyer(case.buyer).posted == 1_000_000 - 3 * 4_000 - 3 * 1_000
    assert balance_of_buyer(case.buyer).held == 0


def test_the_estimate_is_what_it_costs():
    case = BenchmarkCase(prompts=5)
    costs = estimate(actor=case.by, prompts=list(case.prompt_set.prompts.all()), models=case.names)
    assert [(line.target.model, line.calls, line.amount) for line in costs.lines] == [
        (case.names[0], 5, 20_000),
        (case.names[1], 5, 5_000),
    ]
    case.start()
    case.run_to_the_end()
    assert balance_of_buyer(case.buyer).posted == 1_000_000 - costs.total


def test_predictions_in_flight_are_limited():
    case = BenchmarkCase(prompts=9)
    case.start()
    run_concurrently([case.advance] * MAX_CONCURRENT_CALLS)
    assert len(predictions(case)) == len(case.cells(CellState.STARTED)) == MAX_IN_FLIGHT
    case.advance()
    assert len(predictions(case)) == MAX_IN_FLIGHT
    case.run()
    run_concurrently([case.advance] * MAX_CONCURRENT_CALLS)
    assert len(predictions(case)) == 2 * MAX_IN_FLIGHT
    case.run_to_the_end()
    assert len(predictions(case)) == 18
    assert case.state is State.COMPLETED


def test_a_crash_runs_no_cell_twice():
    """If a transaction is lost at any moment, the cell and its prediction are rolled back together."""
    case = BenchmarkCase(prompts=2)
    case.start()
    with transaction.atomic():
        case.advance()
        assert len(predictions(case)) == 4
        transaction.set_rollback(True)
    assert predictions(case) == []
    assert len(case.cells(CellState.WAITING)) == 4
    assert balance_of_buyer(case.buyer).held == 0
    case.advance()
    case.run()
    with transaction.atomic():
        case.advance()
        assert case.state is State.COMPLETED
        transaction.set_rollback(True)
    assert case.state is State.RUNNING
    case.advance()
    assert case.state is State.COMPLETED
    assert len(predictions(case)) == 4


def test_events_advance_the_benchmark_and_may_be_repeated():
    OutboxEvent.objects.all().delete()
    case = BenchmarkCase(prompts=2)
    case.start()
    case.advance()
    case.run()
    news = [event.payload for event in OutboxEvent.objects.filter(topic="prediction.completed")]
    assert {uuid.UUID(payload["id"]) for payload in news} == {p.pk for p in predictions(case)}
    while relay():
        pass
    assert not OutboxEvent.objects.filter(topic="prediction.completed").exists()
    for _ in range(2):
        rounds.on_prediction_completed(news)
        case.advance()
    assert case.state is State.COMPLETED
    assert len(predictions(case)) == 4


def test_the_sweep_advances_without_events():
    case = BenchmarkCase(prompts=1)
    case.start()
    assert case.id in rounds.unfinished()
    case.run_to_the_end()
    assert case.id not in rounds.unfinished()


def test_a_failed_cell_says_why_and_can_be_tried_again():
    case = BenchmarkCase(prompts=2)
    case.start()
    case.advance()
    case.run(fail=True)
    case.advance()
    assert case.state is State.COMPLETED
    assert [(cell.state, cell.error) for cell in case.cells()] == [(CellState.FAILED, "out of memory")] * 4
    assert balance_of_buyer(case.buyer).posted == 1_000_000
    control.retry(actor=case.by, benchmark_id=case.id)
    control.retry(actor=case.by, benchmark_id=case.id)
    assert case.state is State.RUNNING
    case.run_to_the_end()
    assert case.state is State.COMPLETED
    assert len(case.cells(CellState.SUCCEEDED)) == 4
    assert len(predictions(case)) == 8


def test_a_canceled_prediction_is_a_failed_cell():
    case = BenchmarkCase(prompts=1)
    case.start()
    case.advance()
    first = case.cells()[0]
    cancel_prediction(actor=case.by, prediction_id=first.prediction_id)
    case.run_to_the_end()
    assert case.state is State.COMPLETED
    assert [cell.error for cell in case.cells()] == ["Its prediction was canceled.", ""]


def test_without_money_it_pauses_and_goes_on_where_it_was():
    """The balance covered the estimate, and then was spent elsewhere."""
    case = BenchmarkCase(prompts=2, prices=(400_000, 100_000), credit=1_000_000)
    case.start()
    other = BenchmarkCase(prompts=1, prices=(300_000, 300_000), credit=0)
    other.buyer, other.by, other.prompt_set = case.buyer, case.by, make_prompts(case.by, 1)
    other.start()
    other.run_to_the_end()
    case.run_to_the_end()
    assert case.state is State.PAUSED
    assert "Top up, then resume" in case.benchmark.trouble
    assert Counter(cell.state for cell in case.cells()) == {CellState.SUCCEEDED: 1, CellState.WAITING: 3}
    assert balance_of_buyer(case.buyer).held == 0

    top_up(organization_id=case.buyer.owner, amount=1_000_000, key="more")
    case.advance()
    assert case.state is State.PAUSED  # until it is resumed
    rest, _ = control.rest_of(case.benchmark)
    assert rest == 400_000 + 2 * 100_000
    with pytest.raises(EstimateChanged):
        control.resume(actor=case.by, benchmark_id=case.id, agreed=rest - 1)
    control.resume(actor=case.by, benchmark_id=case.id, agreed=rest)
    control.resume(actor=case.by, benchmark_id=case.id, agreed=rest)
    case.run_to_the_end()
    assert case.state is State.COMPLETED
    assert balance_of_buyer(case.buyer).posted == 2_000_000 - 600_000 - 1_000_000


def test_it_does_not_start_without_the_money():
    case = BenchmarkCase(prompts=2, prices=(400_000, 200_000), credit=1_000_000)
    with pytest.raises(PaymentRequired, match=r"may cost \$1\.20, and \$1\.00 of the balance is free"):
        case.start()
    assert not Benchmark.objects.filter(pk=case.id).exists()
    case.prompt_set.refresh_from_db()
    assert case.prompt_set.frozen_at is None


def test_a_new_price_pauses_the_benchmark():
    case = BenchmarkCase(prompts=5)
    case.start()
    case.advance()
    case.run()
    case.sales[0].set_price(9_000)
    case.advance()
    assert case.state is State.PAUSED
    assert case.benchmark.trouble.startswith(f"The price of {case.names[0]} has changed")
    assert {p.amount_held for p in predictions(case)} == {4_000, 1_000}
    rest, _ = control.rest_of(case.benchmark)
    assert rest == 9_000 + 1_000
    control.resume(actor=case.by, benchmark_id=case.id, agreed=rest)
    case.run_to_the_end()
    assert case.state is State.COMPLETED
    assert balance_of_buyer(case.buyer).posted == 1_000_000 - 4 * 4_000 - 9_000 - 5 * 1_000


def test_a_version_that_was_withdrawn_fails_its_cells_only():
    case = BenchmarkCase(prompts=2)
    case.start()
    case.sales[1].withdraw()
    case.run_to_the_end()
    assert case.state is State.COMPLETED
    states = [(cell.state, "withdrawn" in cell.error) for cell in case.cells()]
    assert states == [(CellState.SUCCEEDED, False), (CellState.FAILED, True)] * 2


def test_cancel_ends_waiting_cells_and_keeps_finished_ones():
    case = BenchmarkCase(prompts=9)
    case.start()
    case.advance()
    case.run()
    case.advance()
    control.cancel(actor=case.by, benchmark_id=case.id)
    control.cancel(actor=case.by, benchmark_id=case.id)
    case.advance()
    assert case.state is State.CANCELED
    assert Counter(cell.state for cell in case.cells()) == {CellState.SUCCEEDED: 8, CellState.CANCELED: 10}
    assert Counter(p.status for p in predictions(case)) == {Status.SUCCEEDED: 8, Status.CANCELED: 8}
    assert balance_of_buyer(case.buyer).held == 0
    assert case.id not in rounds.unfinished()
    with pytest.raises(Conflict):
        control.retry(actor=case.by, benchmark_id=case.id)
    assert AuditEvent.objects.filter(subject=str(case.id), action="benchmark.canceled").count() == 1


def test_cancel_racing_advance_admits_nothing_afterwards():
    case = BenchmarkCase(prompts=9)
    case.start()
    run_concurrently(
        [case.advance] * 3 + [lambda: control.cancel(actor=case.by, benchmark_id=case.id)] + [case.advance] * 3
    )
    case.advance()
    assert case.state is State.CANCELED
    assert {cell.state for cell in case.cells()} == {CellState.CANCELED}
    assert {p.status for p in predictions(case)} <= {Status.CANCELED}
    assert balance_of_buyer(case.buyer).held == 0


def test_a_repeated_form_starts_one_benchmark():
    case = BenchmarkCase(prompts=2)
    started = run_concurrently([case.start] * MAX_CONCURRENT_CALLS)
    assert {benchmark.pk for benchmark in started} == {case.id}
    assert Cell.objects.filter(benchmark=case.id).count() == 4
    assert AuditEvent.objects.filter(subject=str(case.id), action="benchmark.started").count() == 1


def test_another_organisations_form_does_not_answer():
    case = BenchmarkCase(prompts=1)
    case.start()
    other = BenchmarkCase(prompts=1)
    other.id = case.id
    with pytest.raises(Conflict):
        other.start()


def test_a_changed_estimate_is_refused():
    case = BenchmarkCase(prompts=2)
    with pytest.raises(EstimateChanged, match=r"now costs \$0\.01\b"):
        start(
            actor=case.by,
            benchmark_id=case.id,
            name="x",
            prompt_set_id=case.prompt_set.pk,
            models=case.names,
            agreed=9_999,
        )
    assert not Benchmark.objects.filter(pk=case.id).exists()


def test_invalid_selections_are_refused():
    case = BenchmarkCase(prompts=1)
    prompts = list(case.prompt_set.prompts.all())

    def refused(models: list[str], scorer: str = "") -> str:
        with pytest.raises(Invalid) as caught:
            estimate(actor=case.by, prompts=prompts, models=models, scorer=scorer)
        return caught.value.errors[0].detail

    first, second = case.names
    assert refused([first]) == refused([first, first.upper()]) == "Choose at least 2 models"
    assert refused([first] * 9) == "Choose at most 8 models"
    assert "is on sale" in refused([first, "nobody/nothing"])
    assert "no name of a model" in refused([first, "nothing"])
    assert "no name of a model" in refused([first, f"{second}@v1"])
    assert refused([first, second], scorer=first) == f"{first} is no model for scoring"
    case.prompt_set.prompts.update(text="")
    prompts[:] = case.prompt_set.prompts.all()
    assert refused(case.names) == f"Prompt 1 does not suit {first}: prompt must not be empty"
    provider = make_party(can_buy=False, can_provide=True)
    with pytest.raises(Forbidden):
        estimate(actor=provider.actor, prompts=prompts, models=case.names)


def test_prompts_freeze_with_their_first_benchmark():
    case = BenchmarkCase(prompts=2)
    seeds = dict(case.prompt_set.prompts.values_list("text", "seed"))
    change_prompt_set(
        actor=case.by, prompt_set_id=case.prompt_set.pk, name="Other", prompts=parse_text("new\nprompt 2")
    )
    changed = dict(case.prompt_set.prompts.values_list("text", "seed"))
    assert list(changed) == ["new", "prompt 2"]
    assert changed["prompt 2"] == seeds["prompt 2"]
    case.start()
    with pytest.raises(Frozen):
        change_prompt_set(actor=case.by, prompt_set_id=case.prompt_set.pk, name="Again", prompts=parse_text("x"))
    assert list(case.prompt_set.prompts.values_list("text", flat=True)) == ["new", "prompt 2"]


def test_starting_races_changing_the_prompts():
    case = BenchmarkCase(prompts=2)

    def change() -> str:
        try:
            change_prompt_set(actor=case.by, prompt_set_id=case.prompt_set.pk, name="x", prompts=parse_text("1\n2\n3"))
        except Frozen:
            return "frozen"
        return "changed"

    def begin() -> str:
        try:
            case.start()
        except EstimateChanged:
            return "estimate changed"
        return "started"

    outcomes = run_concurrently([change, begin])
    assert outcomes in (["frozen", "started"], ["changed", "started"], ["changed", "estimate changed"])
    if outcomes[1] == "started":
        prompts = set(case.prompt_set.prompts.values_list("pk", flat=True))
        assert {cell.prompt_id for cell in case.cells()} == prompts
        assert len(case.cells()) == 2 * len(prompts)


def test_objects_of_other_organisations_are_not_found():
    case = BenchmarkCase(prompts=1)
    case.start()
    stranger = member_of(make_buyer())
    for call in (
        lambda: benchmark_for_buyer(stranger.organization_id, case.id),
        lambda: control.cancel(actor=stranger, benchmark_id=case.id),
        lambda: control.resume(actor=stranger, benchmark_id=case.id, agreed=0),
        lambda: control.retry(actor=stranger, benchmark_id=case.id),
        lambda: change_prompt_set(actor=stranger, prompt_set_id=case.prompt_set.pk, name="x", prompts=[]),
        lambda: benchmark_for_buyer(case.by.organization_id, None),
    ):
        with pytest.raises(NotFound):
            call()
    assert case.state is State.RUNNING


def test_progress_counts_cells():
    case = BenchmarkCase(prompts=9)
    case.start()
    case.advance()
    case.run(fail=True)
    case.advance()
    progress = progress_of(case.benchmark)
    assert (progress.total, progress.done, progress.failed, progress.running, progress.succeeded) == (18, 8, 8, 8, 0)
    assert list_model().target.model not in case.names
