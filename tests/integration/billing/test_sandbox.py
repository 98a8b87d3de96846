"""Test money of the sandbox: booked at once, once, within its limits."""

from functools import partial

import pytest

from billing.gateways.sandbox import Sandbox
from billing.ledger.domain import AccountKind
from billing.payments.domain import TopUpState
from billing.payments.models import GatewayCustomer, TopUp
from billing.payments.services.top_ups import top_up
from marketplace.core.problems import Conflict, Invalid
from tests.support.concurrency import run_concurrently
from tests.support.ledger import assert_ledger_consistent, balance, entries_of, name

pytestmark = pytest.mark.usefixtures("database")


@pytest.mark.parametrize("amount", [Sandbox.smallest, Sandbox.largest])
def test_amounts_within_the_limits_are_booked_at_once(amount: int):
    buyer = name()
    booked = top_up(organization_id=buyer, amount=amount, key="form")
    assert entries_of(booked) == {AccountKind.BUYER_PREPAID: amount, AccountKind.CLEARING: -amount}
    row = TopUp.objects.get(owner=buyer)
    assert (row.state, row.transaction_id, row.page) == (TopUpState.PAID, booked, "")
    assert not GatewayCustomer.objects.filter(owner=buyer).exists()
    assert_ledger_consistent()


@pytest.mark.parametrize("amount", [Sandbox.smallest - 1, Sandbox.largest + 1, 0, -5_000_000])
def test_amounts_outside_the_limits_are_refused(amount: int):
    buyer = name()
    with pytest.raises(Invalid) as refused:
        top_up(organization_id=buyer, amount=amount, key="form")
    assert refused.value.errors[0].detail == "Choose an amount from 1 to 10,000"
    assert not TopUp.objects.filter(owner=buyer).exists()


def test_one_form_books_once_however_often_it_is_sent():
    buyer = name()
    booked = run_concurrently([partial(top_up, organization_id=buyer, amount=5_000_000, key="form")] * 5)
    assert len(set(booked)) == 1
    assert balance(buyer) == (5_000_000, 0)
    with pytest.raises(Conflict):
        top_up(organization_id=buyer, amount=6_000_000, key="form")
    assert balance(buyer) == (5_000_000, 0)
