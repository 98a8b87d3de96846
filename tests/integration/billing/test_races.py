"""The ledger under real concurrency: every call on a connection of its own, all at the same time."""

import random
import uuid
from contextlib import closing
from functools import partial

import psycopg
import pytest
from django.conf import settings
from psycopg.types.json import Jsonb

from billing.ledger.domain import AccountKind
from billing.pricing.domain import PriceTerms
from marketplace.core.problems import Conflict
from tests.support.concurrency import MAX_CONCURRENT_CALLS, run_concurrently
from tests.support.ledger import (
    Item,
    assert_ledger_consistent,
    assert_split,
    balance,
    give,
    hold,
    hold_row,
    holds,
    make_payer,
    make_price,
    name,
    release,
    rows,
    settle,
)
from tests.support.services import home

pytestmark = pytest.mark.usefixtures("database")


def test_a_balance_admits_exactly_what_it_covers():
    payer, price = make_payer(100_000), make_price()
    spend = 7_000
    made = run_concurrently([lambda: [hold(payer, price, spend) for _ in range(5)]] * MAX_CONCURRENT_CALLS)
    admitted = [id_ for one in made for id_ in one if id_]
    assert len(admitted) == 100_000 // spend == 14
    assert balance(payer) == (100_000, 14 * spend)
    assert_ledger_consistent()


def test_concurrent_settlements_settle_a_hold_once():
    payer, price = make_payer(10_000), make_price()
    id_ = hold(payer, price, 5_000)
    answers = run_concurrently([partial(settle, [Item(id_, 5_000)])] * MAX_CONCURRENT_CALLS)
    assert sorted(answers, key=len) == [{}] * (MAX_CONCURRENT_CALLS - 1) + [{id_: 5_000}]
    assert_split(id_, charge=5_000, fee_bps=1_000)
    assert balance(payer) == (5_000, 0)
    assert_ledger_consistent()


def test_a_hold_is_either_settled_or_released():
    payer, price = make_payer(100_000), make_price()
    for _ in range(5):
        (id_,) = holds(payer, price, [3_000])
        settled, voided, expired = run_concurrently(
            [partial(settle, [Item(id_, 3_000)]), partial(release, [id_]), partial(release, [id_], "expired")]
        )
        assert len(settled) + voided + expired == 1
        assert hold_row(id_)[0] == ("posted" if settled else "voided" if voided else "expired")
    assert_ledger_consistent()


def test_overlapping_batches_in_opposite_orders_settle_each_hold_once():
    prices = [make_price(fee_bps=fee_bps) for fee_bps in (0, 999, 1_000, 10_000)]
    payers = [make_payer(1_000_000) for _ in range(3)]
    every = [(hold(payer, price, 1_003), price) for payer in payers for price in prices for _ in range(4)]
    shuffled = random.Random(7)
    batches = []
    for number in range(MAX_CONCURRENT_CALLS):
        items = [Item(id_, 1_003) for id_, _ in every]
        if number == 0:
            items.reverse()
        elif number > 1:
            shuffled.shuffle(items)
            items = items[: len(items) * 2 // 3]
        batches.append(partial(settle, items))
    answers = run_concurrently(batches)
    settled = [id_ for answer in answers for id_ in answer]
    assert sorted(settled) == sorted(id_ for id_, _ in every)
    for id_, price in every:
        assert_split(id_, charge=1_003, fee_bps=price.fee_bps)
    assert [balance(payer) for payer in payers] == [(1_000_000 - 16 * 1_003, 0)] * 3
    assert_ledger_consistent()


def test_accounts_are_opened_in_one_order():
    """First sales of many providers at once: two batches that open the same accounts must not wait for each other."""
    for _ in range(5):
        payer = make_payer(1_000_000)
        prices = [make_price() for _ in range(30)]
        there = [Item(holds(payer, price, [1_000])[0], 1_000) for price in prices]
        back = [Item(holds(payer, price, [1_000])[0], 1_000) for price in reversed(prices)]
        first, second = run_concurrently([partial(settle, there), partial(settle, back)])
        assert len(first) == len(second) == 30
        assert {balance(price.payee, AccountKind.PROVIDER_PAYABLE) for price in prices} == {(1_800, 0)}
    assert_ledger_consistent()


def test_top_ups_holds_and_settlements_of_one_buyer_do_not_disturb_each_other():
    payer, price = make_payer(50_000), make_price()
    waiting = holds(payer, price, [1_000] * 20)

    def top_up() -> None:
        for number in range(10):
            give(payer, 100, key=f"{payer}:{number}")

    def spend() -> None:
        for _ in range(10):
            (id_,) = holds(payer, price, [500])
            assert settle([Item(id_, 500)]) == {id_: 500}

    def finish() -> None:
        for id_ in waiting[:10]:
            settle([Item(id_, 1_000)])

    def cancel() -> None:
        for id_ in waiting[10:]:
            release([id_])

    run_concurrently([top_up, top_up, spend, spend, finish, cancel])
    # Both threads sent the same ten top-ups: each counts once.
    assert balance(payer) == (50_000 + 10 * 100 - 20 * 500 - 10 * 1_000, 0)
    assert_ledger_consistent()


def test_concurrent_posts_with_one_key_post_once():
    payer, key = name(), name()
    assert len(set(run_concurrently([partial(give, payer, 5_000, key=key)] * MAX_CONCURRENT_CALLS))) == 1
    assert balance(payer) == (5_000, 0)

    contested = name()

    def ask(amount: int) -> int | None:
        try:
            return give(payer, amount, key=contested)
        except Conflict:
            return None

    answers = run_concurrently([partial(ask, 1 + number % 2) for number in range(6)])
    winners = {answer for answer in answers if answer is not None}
    assert len(winners) == 1
    assert answers.count(None) == 3
    assert balance(payer)[0] - 5_000 == (1 if answers[0] else 2)
    assert_ledger_consistent()


def test_a_key_whose_first_use_is_rolled_back_is_free_again():
    payer, key = name(), name()
    url = home.postgres_url(user=settings.SERVING_ROLE, database=settings.DATABASE_NAME)
    with psycopg.connect(url) as other:
        other.execute(
            "SELECT billing_post(%s, 'another', 'grant', '', '', 'USD', '[]')",
            [key],
        )
        other.rollback()
        first = give(payer, 700, key=key)
    assert give(payer, 700, key=key) == first
    assert balance(payer) == (700, 0)


def test_a_settlement_that_is_rolled_back_can_be_made_again():
    payer, price = make_payer(10_000), make_price()
    id_ = hold(payer, price, 4_000)
    url = home.postgres_url(user=settings.SERVING_ROLE, database=settings.DATABASE_NAME)
    with closing(psycopg.connect(url)) as killed:
        items = Jsonb([{"hold": str(id_), "source": "", "description": "", "quantity": 1, "amount": 4_000}])
        assert killed.execute("SELECT amount FROM billing_settle(%s)", [items]).fetchall() == [(4_000,)]
        (pid,) = killed.execute("SELECT pg_backend_pid()").fetchone()
        with psycopg.connect(home.postgres_url(user="postgres", database="postgres")) as superuser:
            superuser.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    assert hold_row(id_) == ("pending", None, None)
    assert balance(payer) == (10_000, 4_000)
    assert settle([Item(id_, 4_000)]) == {id_: 4_000}
    assert_ledger_consistent()


def provider_of(price: PriceTerms) -> tuple[int, int]:
    return balance(price.payee, AccountKind.PROVIDER_PAYABLE)


def test_two_batches_of_one_buyer_add_up():
    payer, price = make_payer(1_000_000), make_price(fee_bps=1_234)
    ids: list[uuid.UUID] = holds(payer, price, [777] * 70)
    run_concurrently(
        [
            partial(settle, [Item(id_, 777) for id_ in ids[start::MAX_CONCURRENT_CALLS]])
            for start in range(MAX_CONCURRENT_CALLS)
        ]
    )
    assert balance(payer) == (1_000_000 - 70 * 777, 0)
    assert provider_of(price) == (70 * (777 - 96), 0)
    assert rows("SELECT count(*), sum(fee) FROM billing_usagerecord WHERE payer = %s", payer) == [(70, 70 * 96)]
    assert_ledger_consistent()
