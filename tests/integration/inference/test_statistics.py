"""Statistics by the hour, against what PostgreSQL says over the predictions themselves."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inference.domain.lifecycle import Status
from inference.domain.statistics import window_start
from inference.models import MarketTotals, ModelHour, ModelStats, Prediction
from inference.selectors import market_totals, stats_of
from inference.services import statistics
from inference.services.statistics import rebuild, roll_up, roll_up_hours
from inference.tasks import roll_up as roll_up_task
from inference.worker.claims import complete
from marketplace.core.database import trying_alone
from marketplace.core.ids import new_id
from marketplace.core.models import OutboxEvent
from marketplace.core.rollups import HOUR, hour_of, portions
from providers.models import GenerativeModel
from tests.support.concurrency import run_concurrently
from tests.support.inference_market import (
    ListedModel,
    call,
    claim_all,
    make_buyer,
    make_node,
    make_priced_model,
    succeeded,
)
from tests.support.ledger import rows
from tests.support.statistics import Ended, counted, insert, measured

pytestmark = pytest.mark.usefixtures("database")

NOW = datetime.now(UTC)
ENDS = [Status.SUCCEEDED, Status.SUCCEEDED, Status.SUCCEEDED, Status.FAILED, Status.CANCELED]
# Hours before this one: close to each other, across midnight, and on both sides of the window's beginning.
HOURS = [0, 1, 2, 5, 30, 14 * 24 - 1, 14 * 24, 14 * 24 + 1, 20 * 24]
SECONDS = st.floats(-4, 5).map(lambda exponent: round(10**exponent, 4))  # a tenth of a millisecond to more than a day
MOMENTS = st.builds(
    lambda hours, second: min(hour_of(NOW) - hours * HOUR + timedelta(seconds=second), NOW),
    st.sampled_from(HOURS),
    st.integers(0, 3_599),
)
PREDICTIONS = st.builds(
    Ended,
    at=MOMENTS,
    status=st.sampled_from(ENDS),
    run=st.none() | SECONDS,
    queue=SECONDS,
    artifacts=st.integers(0, 3),
)


def figures(sale: ListedModel) -> ModelStats:
    return stats_of([sale.target.model_id])[sale.target.model_id]


def state(sale: ListedModel) -> tuple[object, ...]:
    """Everything that is stored about a model, but when."""
    hours = ModelHour.objects.filter(model=sale.target.model_id).order_by("hour").values_list()
    stats = ModelStats.objects.filter(model=sale.target.model_id).values()
    return list(hours), [{name: value for name, value in row.items() if name != "updated_at"} for row in stats]


def assert_true(sale: ListedModel, *, now: datetime) -> None:
    """The model's figures are what its predictions say: counts exactly, percentiles within 5 %."""
    found = figures(sale)
    ended, successes, percentiles, recent = measured(sale, window_start(now))
    assert (found.runs, found.artifacts) == counted(sale)
    assert found.ended == ended
    assert found.success_rate == (successes / ended if ended else None)
    assert list(found.recent_seconds) == recent
    shown = [found.p50_run_seconds, found.p95_run_seconds, found.p50_queue_seconds, found.p95_queue_seconds]
    assert shown == [None if one is None else pytest.approx(one, rel=0.05) for one in percentiles]


def assert_totals() -> None:
    """The market's totals are the sums of its models' figures."""
    sums = ModelStats.objects.aggregate(runs=Sum("runs", default=0), artifacts=Sum("artifacts", default=0))
    totals = market_totals()
    assert (totals.predictions, totals.artifacts) == (sums["runs"], sums["artifacts"])


@given(seconds=st.floats(1e-4, 2e5))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_middle_of_a_bucket_is_close_to_all_that_is_in_it(seconds: float):
    ((bucket, middle, longer),) = rows(
        "SELECT b, inference_bucket_seconds(b), inference_bucket(%s * 1.081) FROM inference_bucket(%s) AS b",
        seconds,
        seconds,
    )
    assert middle == pytest.approx(seconds, rel=0.04)
    assert longer > bucket or bucket == 160


def test_what_is_beyond_the_buckets_is_in_the_first_and_the_last():
    assert rows("SELECT inference_bucket(s::float8) FROM unnest(ARRAY[-1, 0, 1e-300, 1e9]) AS s") == [
        (-119,),
        (-119,),
        (-119,),
        (160,),
    ]


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    batches=st.lists(st.lists(st.tuples(st.integers(0, 1), PREDICTIONS), max_size=12), min_size=1, max_size=3),
    orders=st.randoms(use_true_random=False),
)
def test_whatever_ended_in_any_order_the_figures_are_those_of_the_predictions(
    batches: list[list[tuple[int, Ended]]], orders: random.Random
):
    buyer, sales = make_buyer(credit=0), [make_priced_model(), make_priced_model()]
    hours = [hour_of(NOW) - hours * HOUR for hours in HOURS]
    for batch in batches:
        for index, sale in enumerate(sales):
            insert(buyer, sale, [one for number, one in batch if number == index])
        for hour in orders.choices(hours, k=4):  # some now, some twice, some later
            roll_up_hours(hour, hour + orders.choice([1, 2, 24]) * HOUR, now=NOW)
    orders.shuffle(hours)
    for hour in hours:
        roll_up_hours(hour, hour + HOUR, now=NOW)
    for sale in sales:
        assert_true(sale, now=NOW)
    assert_totals()
    before = [state(sale) for sale in sales]
    assert [roll_up_hours(hour, hour + HOUR, now=NOW) for hour in hours] == [[]] * len(hours)
    assert [state(sale) for sale in sales] == before


def test_roll_ups_at_once_beside_completions_lose_none_and_count_none_twice():
    buyer, sale = make_buyer(), make_priced_model(price=10)
    calls = [call(buyer, sale) for _ in range(36)]

    def complete_some(node: str) -> None:
        for claimed in iter(lambda: claim_all(sale, node, limit=2), []):
            complete([succeeded(one) for one in claimed])

    def roll_up_often() -> None:
        for _ in range(12):
            roll_up()

    run_concurrently([*(partial(complete_some, make_node()) for _ in range(3)), *[roll_up_often] * 3])
    roll_up()
    assert_true(sale, now=timezone.now())
    assert_totals()
    assert (figures(sale).runs, figures(sale).artifacts, figures(sale).ended) == (len(calls),) * 3


def test_a_completion_that_is_committed_after_later_ones_were_counted_is_counted():
    buyer, sale, other = make_buyer(credit=0), make_priced_model(), make_priced_model()
    now = timezone.now()
    insert(buyer, other, [Ended(now)])
    roll_up(now=now)
    insert(buyer, sale, [Ended(hour_of(now) - timedelta(seconds=1))])
    assert figures(sale).runs == 0
    roll_up(now=now)
    assert figures(sale).runs == 1


def test_what_leaves_the_window_no_longer_counts_but_was_run():
    buyer, sale, other = make_buyer(credit=0), make_priced_model(), make_priced_model()
    at = NOW - timedelta(days=13, hours=20)
    insert(buyer, sale, [Ended(at, run=2.0), Ended(at, Status.FAILED)])
    insert(buyer, other, [Ended(NOW)])
    roll_up_hours(hour_of(at), hour_of(NOW) + HOUR, now=NOW)
    assert (figures(sale).runs, figures(sale).ended, figures(sale).success_rate) == (1, 2, 0.5)
    later = NOW + timedelta(hours=6)
    changed = roll_up_hours(hour_of(NOW), hour_of(NOW), now=later)  # not one hour is recomputed
    assert sale.target.model_id in changed
    assert other.target.model_id not in changed
    found = figures(sale)
    assert (found.runs, found.ended, found.success_rate, found.p50_run_seconds) == (1, 0, None, None)
    assert (list(found.recent_seconds), found.oldest_hour) == ([], None)
    assert roll_up_hours(hour_of(NOW), hour_of(NOW), now=later) == []


def test_the_models_whose_figures_changed_are_told():
    buyer, sale = make_buyer(credit=0), make_priced_model()
    roll_up()
    OutboxEvent.objects.filter(topic=statistics.TOPIC).delete()
    models = [sale, *make_others(sale, statistics.MAX_MODELS_AN_EVENT)]
    for each in models:
        insert(buyer, each, [Ended(timezone.now())])
    roll_up()
    told = list(OutboxEvent.objects.filter(topic=statistics.TOPIC).values_list("payload__models", flat=True))
    assert sorted(len(names) for names in told) == [1, statistics.MAX_MODELS_AN_EVENT]
    assert {name for names in told for name in names} == {str(each.target.model_id) for each in models}
    roll_up()
    assert OutboxEvent.objects.filter(topic=statistics.TOPIC).count() == 2


def make_others(sale: ListedModel, count: int) -> list[ListedModel]:
    """More models of the same provider, whose predictions are of the one version."""
    like = GenerativeModel.objects.get(pk=sale.target.model_id)
    made = [
        GenerativeModel(
            id=new_id(),
            organization_id=like.organization_id,
            name=f"m{number}",
            task=like.task,
            description="",
            card="",
        )
        for number in range(count)
    ]
    GenerativeModel.objects.bulk_create(made)
    return [replace(sale, target=replace(sale.target, model_id=model.pk)) for model in made]


def test_a_rebuild_makes_what_the_roll_ups_made(capsys: pytest.CaptureFixture[str]):
    buyer, sale, spoilt = make_buyer(credit=0), make_priced_model(), make_priced_model()
    moments = [NOW - timedelta(days=20), NOW - timedelta(days=3), NOW - timedelta(hours=2), NOW]
    for number, at in enumerate(moments):
        for each in (sale, spoilt):
            insert(buyer, each, [Ended(at, run=1.0 + number), Ended(at, Status.FAILED, artifacts=0)])
        roll_up_hours(hour_of(at), hour_of(at) + HOUR, now=NOW)
    before = [state(sale), state(spoilt)]
    ModelHour.objects.filter(model=sale.target.model_id, hour__lt=hour_of(NOW)).delete()
    ModelHour.objects.filter(model=spoilt.target.model_id).update(succeeded=99, run_counts=[7])
    ModelStats.objects.filter(model__in=[sale.target.model_id, spoilt.target.model_id]).update(runs=5, artifacts=5)
    call_command("statistics", "rebuild")
    assert "Statistics: " in capsys.readouterr().out
    assert [state(sale), state(spoilt)] == before
    assert_totals()
    ModelStats.objects.filter(model=sale.target.model_id).update(runs=5)  # though no hour is wrong
    rebuild()
    assert [state(sale), state(spoilt)] == before
    assert_totals()


def test_a_market_without_statistics_gets_them_by_itself():
    """As one of release 0.1.0 after it migrated."""
    buyer, sale = make_buyer(credit=0), make_priced_model()
    insert(buyer, sale, [Ended(NOW - timedelta(days=30)), Ended(NOW - timedelta(days=2)), Ended(NOW)])
    ModelHour.objects.all().delete()
    ModelStats.objects.all().delete()
    MarketTotals.objects.all().delete()
    assert figures(sale).runs == market_totals().predictions == 0
    roll_up_task()
    assert_true(sale, now=timezone.now())
    assert figures(sale).runs == 3
    assert_totals()


def test_one_roll_up_runs_at_a_time():
    buyer, sale = make_buyer(credit=0), make_priced_model()
    insert(buyer, sale, [Ended(timezone.now())])

    def roll_up_while_another_does() -> None:
        with trying_alone("inference.roll_up") as is_alone:
            assert is_alone
            run_concurrently([roll_up_task])

    roll_up_while_another_does()
    assert figures(sale).runs == 0
    roll_up_task()
    assert figures(sale).runs == 1


@pytest.mark.parametrize("count", [1, 30])
def test_the_figures_of_many_models_take_one_query(count: int):
    models = [new_id() for _ in range(count)]
    with CaptureQueriesContext(connection) as queries:
        found = stats_of(models)
    assert len(queries) == 1
    shown = {model: (one.runs, one.ended, one.p50_run_seconds) for model, one in found.items()}
    assert shown == dict.fromkeys(models, (0, 0, None))


def reads_of(table: str) -> tuple[int, int]:
    """Sequential scans of a table by this connection, and rows that its indexes found."""
    ((scans, fetched),) = rows(
        "SELECT seq_scan, coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables WHERE relname = %s", table
    )
    return scans, fetched


def test_the_roll_up_of_an_hour_reads_that_hour_only():
    buyer, sale = make_buyer(credit=0), make_priced_model()
    start, each = hour_of(NOW) - timedelta(days=400), 20
    hours = [start + number * HOUR for number in range(200)]
    insert(buyer, sale, [Ended(hour + timedelta(seconds=second)) for hour in hours for second in range(each)])
    with connections["owner"].cursor() as cursor:
        cursor.execute("VACUUM ANALYZE inference_prediction, inference_artifact")
    try:
        with transaction.atomic():
            before = reads_of("inference_prediction"), reads_of("inference_artifact")
            roll_up_hours(hours[100], hours[101], now=NOW)
            after = reads_of("inference_prediction"), reads_of("inference_artifact")
        new = [[now - then for then, now in zip(*pair, strict=True)] for pair in zip(before, after, strict=True)]
        assert new[0] == [0, each]
        assert new[1] in ([0, each], [0, 0])  # the index alone may answer how many artifacts there are
        assert figures(sale).runs == each
    finally:
        Prediction.objects.filter(model=sale.target.model_id).delete()
    changed = [roll_up_hours(first, end, now=NOW) for first, end in portions(hours[100], hours[101])]
    assert changed == [[sale.target.model_id]]
    assert figures(sale).runs == 0
