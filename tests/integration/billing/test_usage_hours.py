"""Usage by the hour, and the earnings that are read from it, against the usage records themselves."""

import random
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.db import DatabaseError, connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.ledger.models import UsageHour
from billing.ledger.selectors import earnings_by_sku
from billing.ledger.services.usage import rebuild, roll_up, roll_up_hours
from marketplace.core.rollups import HOUR, hour_of
from tests.support.concurrency import run_concurrently
from tests.support.ledger import Item, holds, make_payer, make_price, name, rows, settle
from tests.support.statistics import use

pytestmark = pytest.mark.usefixtures("database")

NOW = datetime.now(UTC)
DAYS = 30
HOURS = [0, 1, 3, 50, DAYS * 24, DAYS * 24 + 1]
SALES = st.tuples(
    st.integers(0, 1), st.sampled_from(HOURS), st.integers(0, 3_599), st.integers(1, 10**12), st.integers(0, 10**9)
)


def summed(payee: str, since: datetime) -> list[tuple[object, ...]]:
    """What the records themselves sum to, by sku."""
    return rows(
        "SELECT sku, unit, sum(quantity), sum(amount), sum(fee), sum(amount - fee) FROM billing_usagerecord "
        "WHERE payee = %s AND created_at >= %s GROUP BY 1, 2 ORDER BY 1, 2",
        payee,
        hour_of(since),
    )


def shown(payee: str, since: datetime) -> list[tuple[object, ...]]:
    found = earnings_by_sku(payee, since=since)
    return sorted((row["sku"], row["unit"], row["quantity"], row["gross"], row["fees"], row["net"]) for row in found)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(batches=st.lists(st.lists(SALES, max_size=8), min_size=1, max_size=3), orders=st.randoms(use_true_random=False))
def test_earnings_are_exactly_what_was_settled_in_whatever_order(
    batches: list[list[tuple[int, int, int, int, int]]], orders: random.Random
):
    payee, payer = name(), make_payer(10**12)
    prices = [make_price(payee=payee, fee_bps=fee_bps) for fee_bps in (333, 1_000)]
    hours = [hour_of(NOW) - hours * HOUR for hours in HOURS]
    for batch in batches:
        for price, before, second, quantity, amount in batch:
            at = min(hour_of(NOW) - before * HOUR + timedelta(seconds=second), NOW)
            use(payer, prices[price], quantity=quantity, amount=amount, at=at)
        for hour in orders.choices(hours, k=3):  # some now, some twice, some later
            roll_up_hours(hour, hour + orders.choice([1, 2, 24]) * HOUR)
    orders.shuffle(hours)
    for hour in hours:
        roll_up_hours(hour, hour + HOUR)
    for since in (NOW - timedelta(days=DAYS), NOW - timedelta(days=DAYS + 1), NOW - 2 * HOUR):
        assert shown(payee, since) == summed(payee, since)
    assert [roll_up_hours(hour, hour + HOUR) for hour in hours] == [0] * len(hours)


def test_roll_ups_at_once_beside_settlements_lose_none_and_count_none_twice():
    payee, payers = name(), [make_payer(10_000) for _ in range(3)]
    price = make_price(payee=payee)

    def settle_some(payer: str) -> None:
        for id_ in holds(payer, price, [7] * 20):
            settle([Item(id_, 7, 3)])

    def roll_up_often() -> None:
        for _ in range(15):
            roll_up()

    run_concurrently([*(partial(settle_some, payer) for payer in payers), *[roll_up_often] * 3])
    roll_up()
    ((_, _, quantity, gross, _, _),) = shown(payee, NOW)
    assert (quantity, gross) == (180, 420)
    assert shown(payee, NOW) == summed(payee, NOW)


def test_a_rebuild_makes_what_the_roll_ups_made_and_so_does_a_first_run():
    payee, payer = name(), make_payer(10_000)
    price, since = make_price(payee=payee), NOW - timedelta(days=DAYS)
    for before in (20, 3, 0):
        use(payer, price, quantity=1, amount=100 + before, at=NOW - timedelta(days=before))
        roll_up_hours(hour_of(NOW) - timedelta(days=before), hour_of(NOW) - timedelta(days=before) + HOUR)
    right = shown(payee, since)
    assert right == summed(payee, since)
    assert right[0][3] == 323
    UsageHour.objects.using("owner").filter(payee=payee).update(gross=1)
    assert rebuild() >= 3
    assert shown(payee, since) == right
    assert rebuild() == 0
    UsageHour.objects.using("owner").all().delete()
    assert shown(payee, since) == []
    roll_up()
    assert shown(payee, since) == right


def test_only_the_function_writes_the_sums():
    payee, payer = name(), make_payer(10_000)
    use(payer, make_price(payee=payee), quantity=1, amount=100, at=NOW)
    roll_up()
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        UsageHour.objects.filter(payee=payee).update(gross=1)


def test_the_roll_up_of_an_hour_does_not_read_all_usage():
    """Records stand in the order of their time, so that the hour's are found in a few pages."""
    hour = hour_of(NOW) - timedelta(days=900)
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute(
            """
            WITH made AS (
              INSERT INTO billing_hold(id, account_id, price_id, amount, state, posted_amount, expires_at, resolved_at)
              SELECT gen_random_uuid(), a.id, %s, 0, 'posted', 0, now(), now()
              FROM (SELECT min(id) AS id FROM billing_account) a, generate_series(1, 20000) RETURNING id, price_id)
            INSERT INTO billing_usagerecord(hold_id, price_id, payer, payee, sku, unit, quantity, amount, fee, currency,
                                            created_at)
              SELECT id, price_id, 'x', %s, 'x', 'image', 1, 0, 0, 'USD',
                     %s::timestamptz + make_interval(secs => 90 * row_number() OVER ()) FROM made
            """,
            [make_price().id, payee := name(), hour],
        )
    with connections["owner"].cursor() as cursor:
        cursor.execute("VACUUM ANALYZE billing_usagerecord")
    with transaction.atomic():
        before = reads()
        roll_up_hours(hour + 250 * HOUR, hour + 251 * HOUR)
        scans, fetched = (now - then for then, now in zip(before, reads(), strict=True))
    assert scans == 0
    assert 40 <= fetched < 2_000
    ((quantity,),) = rows("SELECT sum(quantity) FROM billing_usagehour WHERE payee = %s", payee)
    assert quantity == 40


def reads() -> tuple[int, int]:
    """Sequential scans of the records by this connection, and rows that indexes found."""
    ((scans, fetched),) = rows(
        "SELECT seq_scan, coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables "
        "WHERE relname = 'billing_usagerecord'"
    )
    return scans, fetched


def test_money_is_never_charged_without_a_usage_record():
    payer, payee = make_payer(10_000), name()
    id_ = holds(payer, make_price(payee=payee), [700])[0]
    settle([Item(id_, 700, 0)])
    assert rows("SELECT quantity, amount FROM billing_usagerecord WHERE hold_id = %s", id_) == [(0, 700)]
    roll_up()
    assert [row[3] for row in shown(payee, NOW)] == [700]
