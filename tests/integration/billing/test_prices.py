"""The services for prices and top-ups."""

from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from billing.payments.services.top_ups import top_up
from billing.pricing.domain import Unit
from billing.pricing.models import Price
from billing.pricing.selectors import current_terms, current_terms_of
from billing.pricing.services.prices import set_price
from marketplace.core.money import MAX_AMOUNT
from marketplace.core.problems import Conflict, Invalid
from tests.support.concurrency import MAX_CONCURRENT_CALLS, run_concurrently
from tests.support.ledger import assert_ledger_consistent, balance, name, rows

pytestmark = pytest.mark.usefixtures("database")


def price(sku: str, amount: int, *, payee: str = "payee") -> int:
    return set_price(sku=sku, unit=Unit.IMAGE, amount=amount, payee=payee).version


def test_a_new_price_is_a_new_version_and_the_same_again_is_not():
    sku = name()
    assert current_terms(sku) is None
    assert [price(sku, amount) for amount in (4_000, 4_000, 5_000, 4_000)] == [1, 1, 2, 3]
    assert price(sku, 4_000, payee="another") == 4
    terms = current_terms(sku)
    assert (terms.version, terms.amount, terms.payee, terms.fee_bps, terms.currency) == (
        4,
        4_000,
        "another",
        1_000,
        "USD",
    )
    assert rows("SELECT billing_quote(%s, %s, 2)", sku, terms.id) == [(8_000,)]


def test_concurrent_price_versions_are_serialised():
    sku = name()
    versions = run_concurrently([partial(price, sku, 1_000 + number) for number in range(MAX_CONCURRENT_CALLS)])
    assert sorted(versions) == list(range(1, MAX_CONCURRENT_CALLS + 1))


def test_a_future_price_is_not_in_effect():
    sku = name()
    price(sku, 4_000)
    Price.objects.create(
        sku=sku,
        version=2,
        unit=Unit.IMAGE,
        amount=9_000,
        currency="USD",
        payee="payee",
        fee_bps=0,
        effective_from=timezone.now() + timedelta(hours=1),
    )
    now = current_terms(sku)
    assert (now.version, current_terms_of([sku, name()])) == (1, {sku: now})
    assert rows("SELECT billing_quote(%s, id, 2) FROM billing_price WHERE sku = %s ORDER BY version", sku, sku) == [
        (8_000,),
        (None,),
    ]


@pytest.mark.parametrize("amount", [-1, MAX_AMOUNT + 1])
def test_an_absurd_price_is_refused(amount: int):
    sku = name()
    with pytest.raises(Invalid) as refused:
        price(sku, amount)
    assert [error.field for error in refused.value.errors] == ["price"]
    assert current_terms(sku) is None


def test_a_top_up_is_booked_once_however_often_it_is_sent():
    buyer, other = name(), name()
    pay = partial(top_up, organization_id=buyer, amount=5_000_000, key="form")
    assert len(set(run_concurrently([pay] * MAX_CONCURRENT_CALLS))) == 1
    assert top_up(organization_id=other, amount=5_000_000, key="form") != pay()
    with pytest.raises(Conflict):
        top_up(organization_id=buyer, amount=6_000_000, key="form")
    assert (balance(buyer), balance(other)) == ((5_000_000, 0), (5_000_000, 0))
    assert_ledger_consistent()


@pytest.mark.parametrize("amount", [0, 999_999, 10_000_000_001, -5_000_000])
def test_a_declined_top_up_books_nothing(amount: int):
    buyer = name()
    with pytest.raises(Invalid) as refused:
        top_up(organization_id=buyer, amount=amount, key="form")
    assert [error.field for error in refused.value.errors] == ["amount"]
    assert balance(buyer) == (0, 0)
