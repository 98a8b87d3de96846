"""A model that is sold by another unit than the image: held, charged, described and shown, from call to receipt."""

from dataclasses import replace
from fractions import Fraction
from math import floor

import pytest
from django.test import Client

from billing.ledger.models import Transaction, UsageRecord
from billing.pricing.domain import Unit
from billing.pricing.services.prices import set_price
from inference.domain.lifecycle import Status
from inference.runtime.adapters import Output
from inference.runtime.engine import Result
from inference.selectors import prediction_for_buyer
from inference.services.receipts import receipt_of
from inference.worker.finaliser import Finaliser, Finished
from inference.worker.work import WorkInHand
from marketplace.core.ids import short
from marketplace.core.money import decimal_text, format_amount
from marketplace.core.storage import blob_store
from tests.support.inference_market import (
    CREDIT,
    ListedModel,
    balance_of_buyer,
    call,
    claim_all,
    make_buyer,
    make_node,
    make_priced_model,
    row,
)
from tests.support.ledger import assert_ledger_consistent

pytestmark = pytest.mark.usefixtures("database")

SIDE, STEPS = 128, 20
PIXELS = SIDE * SIDE


def sold_by(unit: Unit, amount: int) -> ListedModel:
    sale = make_priced_model()
    terms = set_price(sku=sale.target.terms.sku, unit=unit, amount=amount, payee=sale.provider)
    return replace(sale, target=replace(sale.target, terms=terms))


def run(sale: ListedModel, *, pictures: int, error: str | None = None) -> None:
    """As a node does that made so many pictures."""
    (claimed,) = claim_all(sale, make_node())
    outputs = tuple(Output(f"{claimed.id} {n}".encode(), "image/png", SIDE, SIDE, STEPS) for n in range(pictures))
    result = Result(outputs, error, canceled_at_step=None, run_seconds=0.1, batch_size=1, device_microseconds=100_000)
    work = WorkInHand()
    work.add([(claimed.id, claimed.attempt)])
    finaliser = Finaliser(work, store=blob_store())
    finaliser.put_all([Finished(claimed, result, load_seconds=0.0)])
    finaliser.turn()
    assert finaliser.is_idle()


def rounded(exact: Fraction) -> int:
    return floor(exact + Fraction(1, 2))


@pytest.mark.parametrize(
    ("unit", "amount", "quantity", "text"),
    [
        (Unit.MEGAPIXEL, 200_000, 2 * PIXELS, "0.0328 megapixels"),
        (Unit.MEGAPIXEL_STEP, 30_001, 2 * PIXELS * STEPS, "0.655 megapixel-steps"),
        (Unit.REQUEST, 700, 1, "1 request"),
    ],
)
def test_a_call_is_held_charged_described_and_shown_by_its_unit(unit: Unit, amount: int, quantity: int, text: str):
    buyer, sale = make_buyer(), sold_by(unit, amount)
    price = rounded(Fraction(amount * quantity, unit.parts))

    id_ = call(buyer, sale, num_outputs=2, width=SIDE, height=SIDE, num_inference_steps=STEPS)
    assert (row(id_).quantity, row(id_).amount_held, balance_of_buyer(buyer).held) == (quantity, price, price)
    run(sale, pictures=2)

    assert (row(id_).status, row(id_).amount_charged) == (Status.SUCCEEDED, price)
    assert (balance_of_buyer(buyer).posted, balance_of_buyer(buyer).held) == (CREDIT - price, 0)
    usage = UsageRecord.objects.get(hold=id_)
    assert (usage.unit, usage.quantity, usage.amount) == (unit, quantity, price)
    assert Transaction.objects.get(pk=usage.transaction_id).description == f"{sale.target.model}: {text}"
    receipt = receipt_of(prediction_for_buyer(buyer.organization.pk, id_))["payload"]
    assert (receipt["unit"], receipt["quantity"], receipt["charged"]) == (unit, quantity, decimal_text(price))
    client, slug = Client(), buyer.organization.slug
    client.force_login(buyer.user)
    page = client.get(f"/console/{slug}/predictions/{short(id_)}").content.decode()
    assert f"<dt>Price per {unit.singular}</dt>" in page
    assert f"<dt>Delivered</dt><dd>{text}</dd>" in page
    booked = client.get(f"/console/{slug}/balance/{usage.transaction_id}").content.decode()
    assert f"<dt>Delivered</dt><dd>{text}</dd>" in booked
    answer = client.get(f"/console/{slug}/predictions/{short(id_)}/charge").json()
    assert answer == {"charged": format_amount(price, "USD"), "balance": format_amount(CREDIT - price, "USD")}
    assert_ledger_consistent()


def test_what_was_not_delivered_is_not_paid_and_more_than_was_asked_for_is_not_either():
    buyer, sale = make_buyer(), sold_by(Unit.MEGAPIXEL, 1_000_000)
    fewer = call(buyer, sale, num_outputs=2, width=SIDE, height=SIDE)
    run(sale, pictures=1)
    more = call(buyer, sale, num_outputs=2, width=SIDE, height=SIDE)
    run(sale, pictures=3)
    assert [row(id_).amount_charged for id_ in (fewer, more)] == [PIXELS, 2 * PIXELS]
    assert balance_of_buyer(buyer).held == 0
    assert_ledger_consistent()


def test_a_call_that_fails_costs_nothing_whatever_it_took():
    buyer, sale = make_buyer(), sold_by(Unit.MEGAPIXEL_STEP, 1_000_000)
    id_ = call(buyer, sale, width=SIDE, height=SIDE)
    run(sale, pictures=0, error="no")
    assert (row(id_).status, row(id_).amount_charged) == (Status.FAILED, 0)
    assert (balance_of_buyer(buyer).posted, balance_of_buyer(buyer).held) == (CREDIT, 0)
