"""Holds and settlements: exact splits, each once."""

import uuid
from contextlib import suppress
from functools import partial

import pytest
from django.db import DataError, IntegrityError

from billing.ledger.domain import AccountKind, TransactionKind
from billing.ledger.models import Transaction
from billing.ledger.services.posting import Leg, post
from billing.outcomes.services.expiry import expire_holds
from marketplace.core.ids import new_id
from marketplace.core.problems import Conflict
from tests.support.ledger import (
    Item,
    assert_ledger_consistent,
    assert_split,
    balance,
    give,
    hold,
    hold_row,
    make_payer,
    make_price,
    name,
    release,
    rows,
    settle,
)

pytestmark = pytest.mark.usefixtures("database")


@pytest.mark.parametrize(
    ("charge", "fee_bps", "fee"),
    [
        (4_000, 1_000, 400),
        (4_999, 1_000, 500),  # 499.9
        (15, 1_000, 2),  # 1.5 is rounded up
        (14, 1_000, 1),
        (4, 1_000, 0),  # no entry for the fee
        (1, 5_000, 1),  # no entry for the provider
        (7, 10_000, 7),
        (7, 0, 0),
        (10**15, 10_000, 10**15),  # the product exceeds 64 bits
    ],
)
def test_a_charge_is_split_to_the_micro_unit(charge: int, fee_bps: int, fee: int):
    payer, price = make_payer(10**15), make_price(fee_bps=fee_bps)
    id_ = hold(payer, price, charge)
    assert settle([Item(id_, charge)]) == {id_: charge}
    assert_split(id_, charge=charge, fee_bps=fee_bps)
    assert balance(payer) == (10**15 - charge, 0)
    assert balance(price.payee, AccountKind.PROVIDER_PAYABLE) == (charge - fee, 0)
    assert_ledger_consistent()


def test_a_partial_settlement_releases_the_rest():
    payer, price = make_payer(10_000), make_price()
    id_ = hold(payer, price, 10_000)
    assert hold(payer, price, 1) is None
    assert settle([Item(id_, 4_000, quantity=1)]) == {id_: 4_000}
    assert balance(payer) == (6_000, 0)
    assert hold(payer, price, 6_000) is not None
    assert_ledger_consistent()


def test_nothing_delivered_voids_the_hold():
    payer, price = make_payer(10_000), make_price()
    id_ = hold(payer, price, 10_000)
    assert settle([Item(id_, 0, quantity=0)]) == {id_: 0}
    assert hold_row(id_) == ("voided", 0, None)
    assert balance(payer) == (10_000, 0)
    assert rows("SELECT count(*) FROM billing_usagerecord WHERE hold_id = %s", id_) == [(0,)]


def test_free_usage_has_no_transaction():
    payer, price = make_payer(10_000), make_price(amount=0)
    id_ = hold(payer, price, 0)
    assert settle([Item(id_, 0, quantity=2)]) == {id_: 0}
    assert hold_row(id_) == ("posted", 0, None)
    assert rows("SELECT quantity, amount, fee FROM billing_usagerecord WHERE hold_id = %s", id_) == [(2, 0, 0)]
    assert_ledger_consistent()


def test_a_free_model_needs_no_balance():
    payer, price = name(), make_price(amount=0)
    assert hold(payer, price, 1) is None
    id_ = hold(payer, price, 0)
    assert id_ is not None
    assert settle([Item(id_, 0)]) == {id_: 0}
    assert balance(payer) == (0, 0)
    assert_ledger_consistent()


def test_more_than_was_held_is_refused_and_changes_nothing():
    payer, price = make_payer(10_000), make_price()
    good, bad = hold(payer, price, 1_000), hold(payer, price, 1_000)
    with pytest.raises(IntegrityError, match="no more than 1000 may be posted"):
        settle([Item(good, 1_000), Item(bad, 1_001)])
    assert (hold_row(good)[0], hold_row(bad)[0]) == ("pending", "pending")
    assert balance(payer) == (10_000, 2_000)
    assert_ledger_consistent()


@pytest.mark.parametrize("amount", [-1, None])
@pytest.mark.parametrize("quantity", [0, 1])
def test_a_settlement_names_an_amount_from_zero(amount: int | None, quantity: int):
    payer, price = make_payer(10_000), make_price()
    id_ = hold(payer, price, 1_000)
    with pytest.raises(IntegrityError):
        settle([Item(id_, amount, quantity=quantity)])
    assert hold_row(id_) == ("pending", None, None)
    assert balance(payer) == (10_000, 1_000)
    assert_ledger_consistent()


@pytest.mark.parametrize("amount", [0, 1_000])
def test_a_hold_that_is_named_twice_in_a_batch_is_settled_once(amount: int):
    payer, price = make_payer(10_000), make_price()
    id_, other = hold(payer, price, 1_000), hold(payer, price, 2_000)
    quantity = 1 if amount else 0
    assert settle([Item(id_, amount, quantity), Item(id_, amount, quantity)]) == {id_: amount}
    assert hold_row(other) == ("pending", None, None)
    assert balance(payer) == (10_000 - amount, 2_000)
    assert_ledger_consistent()


def test_each_hold_resolves_once():
    payer, price = make_payer(10_000), make_price()
    posted, voided, expired = hold(payer, price, 1_000), hold(payer, price, 1_000), hold(payer, price, 1_000, hours=-1)
    assert settle([Item(posted, 1_000)]) == {posted: 1_000}
    assert release([voided]) == 1
    assert expire_holds() >= 1
    every = [posted, voided, expired]
    assert settle([Item(id_, 1_000) for id_ in every]) == {}
    assert release(every) == 0
    assert [hold_row(id_)[0] for id_ in every] == ["posted", "voided", "expired"]
    assert balance(payer) == (9_000, 0)
    assert_ledger_consistent()


def test_unknown_holds_are_left_out():
    assert settle([Item(new_id(), 5)]) == {}
    assert settle([]) == {}
    assert release([new_id()]) == 0
    assert release([]) == 0


def test_a_hold_is_released_as_voided_or_expired_only():
    payer, price = make_payer(10_000), make_price()
    id_ = hold(payer, price, 1_000)
    for state in ("pending", "posted", "", None):
        with pytest.raises(IntegrityError, match="voided or expired"):
            release([id_], state)
    assert hold_row(id_) == ("pending", None, None)
    assert balance(payer) == (10_000, 1_000)


@pytest.mark.parametrize("amount", [-1, 2**63 - 1, None])
def test_an_impossible_hold_changes_nothing(amount: int | None):
    payer, price = make_payer(10_000), make_price()
    with suppress(IntegrityError, DataError):
        assert hold(payer, price, amount) is None
    assert balance(payer) == (10_000, 0)
    assert_ledger_consistent()


def test_the_same_hold_is_not_made_twice():
    payer, price, id_ = make_payer(10_000), make_price(), new_id()
    assert hold(payer, price, 1_000, id_=id_) == id_
    with pytest.raises(IntegrityError):
        hold(payer, price, 1_000, id_=id_)
    assert balance(payer) == (10_000, 1_000)


def test_money_of_another_currency_does_not_cover_a_hold():
    payer = make_payer(10_000)
    assert hold(payer, make_price(currency="EUR"), 1) is None
    assert balance(payer) == (10_000, 0)


def test_the_same_movement_is_posted_once_and_another_under_its_key_is_refused():
    payer, other, key = name(), name(), f"k:{uuid.uuid4()}"
    first = give(payer, 5_000, key=key)
    assert give(payer, 5_000, key=key) == first
    for change in (partial(give, payer, 5_001, key=key), partial(give, other, 5_000, key=key)):
        with pytest.raises(Conflict, match="another movement"):
            change()
    assert (balance(payer), balance(other)) == ((5_000, 0), (0, 0))
    assert Transaction.objects.filter(key=key).count() == 1
    assert_ledger_consistent()


@pytest.mark.parametrize(
    "amounts",
    [[-5, 4], [5], [0, 0], [2**63 - 1, 1]],
)
def test_a_movement_that_does_not_balance_leaves_nothing(amounts: list[int]):
    owner, key = name(), f"k:{uuid.uuid4()}"
    kinds = [AccountKind.CLEARING, AccountKind.PROMOTION]
    legs = [Leg(owner, kind, amount) for kind, amount in zip(kinds, amounts, strict=False)]
    with pytest.raises((IntegrityError, DataError)):
        post(key=key, kind=TransactionKind.GRANT, source="", description="", legs=legs)
    assert not Transaction.objects.filter(key=key).exists()
    assert rows("SELECT id FROM billing_account WHERE owner = %s", owner) == []


def test_a_balance_never_falls_below_its_limit():
    payer, key = make_payer(1_000), f"k:{uuid.uuid4()}"
    price = make_price()
    hold(payer, price, 600)
    with pytest.raises(IntegrityError, match="account_within_limit"):
        give(payer, -401, key=key)
    assert balance(payer) == (1_000, 600)
    give(payer, -400, key=key)
    assert balance(payer) == (600, 600)
    assert_ledger_consistent()
