"""Top-ups through Stripe: booked once, whether events are duplicated, early, late or missing."""

import uuid
from functools import partial

import pytest

from billing.gateways import current_gateway
from billing.gateways.base import CheckoutOrder, GatewayRefused, GatewayUnavailable
from billing.ledger.domain import AccountKind
from billing.payments.domain import CENT, EventState, TopUpState
from billing.payments.models import GatewayCustomer, GatewayEvent, TopUp
from billing.payments.services import gateway_events, top_ups
from marketplace.core.money import MICRO
from marketplace.core.problems import Conflict, Invalid
from tests.integration.billing.conftest import Connected
from tests.support.concurrency import run_concurrently
from tests.support.doubles.stripe.resources import pay, settle
from tests.support.doubles.stripe.store import DAY, Fault
from tests.support.ledger import assert_ledger_consistent, balance, entries_of, make_organization

AMOUNT = 20 * MICRO


def state_of(id: uuid.UUID) -> tuple[str, bool]:
    """(state, whether it is booked)."""
    row = TopUp.objects.get(pk=id)
    return row.state, row.transaction_id is not None


def test_paid_on_the_page_and_booked(stripe: Connected):
    buyer = make_organization()
    started = stripe.start(buyer, AMOUNT)
    session = stripe.session(started.id)
    assert started.page == session["url"] == f"{stripe.double.url}/pay/{session['id']}"
    assert (session["amount_total"], session["currency"]) == (2_000, "usd")
    assert balance(buyer) == (0, 0)

    pay(stripe.store, session)
    assert stripe.process_webhooks() == 1
    assert state_of(started.id) == (TopUpState.PAID, True)
    assert balance(buyer) == (AMOUNT, 0)
    row = TopUp.objects.get(pk=started.id)
    assert row.page == ""
    assert entries_of(row.transaction_id) == {AccountKind.BUYER_PREPAID: AMOUNT, AccountKind.CLEARING: -AMOUNT}
    assert_ledger_consistent()


def test_an_organisation_is_one_customer(stripe: Connected):
    buyer = make_organization()
    first, second = stripe.start(buyer, AMOUNT), stripe.start(buyer, 2 * AMOUNT)
    customer = GatewayCustomer.objects.get(owner=buyer)
    assert {stripe.session(one.id)["customer"] for one in (first, second)} == {customer.external_id}
    mine = [one for one in stripe.store.all("customer") if one["metadata"].get("organization") == buyer]
    assert len(mine) == 1


def test_the_same_form_sent_twice_leads_to_one_payment(stripe: Connected):
    buyer = make_organization()
    first, again = (stripe.start(buyer, AMOUNT, key="form") for _ in range(2))
    assert first == again
    with pytest.raises(Conflict):
        stripe.start(buyer, 2 * AMOUNT, key="form")
    pay(stripe.store, stripe.session(first.id))
    stripe.process_webhooks()
    assert stripe.start(buyer, AMOUNT, key="form").page == ""
    assert balance(buyer) == (AMOUNT, 0)


def test_the_same_form_sent_at_once_leads_to_one_payment(stripe: Connected):
    buyer = make_organization()
    started = run_concurrently([partial(stripe.start, buyer, AMOUNT, key="form")] * 4)
    assert len({one.id for one in started}) == len({one.page for one in started}) == 1
    assert stripe.session(started[0].id)["url"] == started[0].page


@pytest.mark.parametrize("amount", [0, MICRO - 1, 10_000 * MICRO + CENT, 2 * MICRO + 1])
def test_amounts_that_stripe_refuses_store_nothing(stripe: Connected, amount: int):
    buyer = make_organization()
    with pytest.raises(Invalid):
        stripe.start(buyer, amount)
    assert not TopUp.objects.filter(owner=buyer).exists()


def test_resubmitting_recovers_from_a_crash_before_the_session(stripe: Connected):
    buyer = make_organization()
    stripe.store.faults.append(Fault("/v1/checkout/sessions", "error", times=3))
    with pytest.raises(GatewayUnavailable):
        stripe.start(buyer, AMOUNT, key="form")
    row = TopUp.objects.get(owner=buyer)
    assert (row.state, row.session, row.page) == (TopUpState.PENDING, "", "")
    started = stripe.start(buyer, AMOUNT, key="form")
    assert started.id == row.pk
    assert started.page


def test_a_lost_answer_is_asked_for_again_by_the_sdk_and_makes_one_session(stripe: Connected):
    stripe.store.faults.append(Fault("/v1/checkout/sessions", "lost"))
    started = stripe.start(make_organization(), AMOUNT)
    assert stripe.session(started.id)["url"] == started.page  # `session` finds exactly one


def test_a_rate_limit_is_reported(stripe: Connected):
    stripe.store.faults.append(Fault("/v1/customers", "limited"))
    with pytest.raises(GatewayUnavailable, match="asked too much"):
        stripe.start(make_organization(), AMOUNT)


def test_a_session_with_a_lost_answer_is_booked(stripe: Connected):
    """The buyer got the page, but its id was lost: the event has it."""
    buyer = make_organization()
    started = stripe.start(buyer, AMOUNT)
    TopUp.objects.filter(pk=started.id).update(session="", page="")
    session = stripe.session(started.id)
    pay(stripe.store, session)
    stripe.process_webhooks()
    assert state_of(started.id) == (TopUpState.PAID, True)
    assert TopUp.objects.get(pk=started.id).session == session["id"]
    assert balance(buyer) == (AMOUNT, 0)


def test_an_event_before_the_answer_is_not_overwritten(stripe: Connected):
    buyer = make_organization()
    started = stripe.start(buyer, AMOUNT)
    TopUp.objects.filter(pk=started.id).update(session="", page="")
    row = TopUp.objects.get(pk=started.id)
    session = stripe.session(started.id)
    page = session["url"]
    pay(stripe.store, session)
    stripe.process_webhooks()
    top_ups._begin(row, top_ups.Checkout(session["id"], page))
    assert state_of(started.id) == (TopUpState.PAID, True)
    assert TopUp.objects.get(pk=started.id).page == ""


def test_duplicate_and_concurrent_events_book_once(stripe: Connected):
    buyer = make_organization()
    started = stripe.start(buyer, AMOUNT)
    pay(stripe.store, stripe.session(started.id))
    event = stripe.store.events[-1]
    run_concurrently([partial(stripe.receive, event)] * 4)
    run_concurrently([partial(gateway_events.process, id=event["id"])] * 4)
    twin = event | {"id": f"{event['id']}twin"}  # Stripe may send two events about one object
    stripe.receive(twin)
    gateway_events.process(id=twin["id"])
    assert balance(buyer) == (AMOUNT, 0)
    assert GatewayEvent.objects.get(pk=event["id"]).attempts == 1
    assert_ledger_consistent()


@pytest.mark.parametrize("change", [{"amount_total": 1_999}, {"currency": "eur"}])
def test_a_wrong_amount_is_not_booked(stripe: Connected, change: dict):
    buyer = make_organization()
    started = stripe.start(buyer, AMOUNT)
    session = stripe.session(started.id)
    pay(stripe.store, session)
    event = stripe.store.events[-1]
    event["data"]["object"] |= change
    stripe.process_webhooks()
    row = TopUp.objects.get(pk=started.id)
    assert (row.state, row.transaction_id) == (TopUpState.REVIEW, None)
    assert row.reason.startswith("Paid ")
    assert balance(buyer) == (0, 0)


def test_another_session_with_the_same_reference_is_not_booked(stripe: Connected):
    buyer = make_organization()
    started = stripe.start(buyer, AMOUNT)
    session = stripe.session(started.id)
    pay(stripe.store, session)
    stripe.store.events[-1]["data"]["object"]["id"] = "cs_test_other"
    stripe.process_webhooks()
    assert state_of(started.id) == (TopUpState.REVIEW, False)
    assert balance(buyer) == (0, 0)


def test_money_for_an_unknown_top_up_is_shown_to_the_operator(stripe: Connected):
    started = stripe.start(make_organization(), AMOUNT)
    pay(stripe.store, stripe.session(started.id))
    event = stripe.store.events[-1]
    event["data"]["object"]["client_reference_id"] = str(uuid.uuid4())
    stripe.process_webhooks()
    row = GatewayEvent.objects.get(pk=event["id"])
    assert row.state == EventState.FAILED
    assert "refund the payment" in row.error
    assert state_of(started.id) == (TopUpState.PENDING, False)


def test_foreign_sessions_are_ignored(stripe: Connected):
    for reference in (None, "order 12"):
        event = stripe.store.tell(
            "checkout.session.completed",
            {"id": "cs_other", "client_reference_id": reference, "payment_status": "paid", "amount_total": 5},
        )
        stripe.process_webhooks()
        assert GatewayEvent.objects.get(pk=event["id"]).state == EventState.IGNORED


@pytest.mark.parametrize("good", [True, False])
def test_a_delayed_bank_payment_is_booked_when_it_succeeds(stripe: Connected, good: bool):
    buyer = make_organization()
    started = stripe.start(buyer, AMOUNT)
    session = stripe.session(started.id)
    pay(stripe.store, session, later=True)
    stripe.process_webhooks()
    assert state_of(started.id) == (TopUpState.PROCESSING, False)
    assert balance(buyer) == (0, 0)
    settle(stripe.store, session, good=good)
    stripe.process_webhooks()
    assert state_of(started.id) == ((TopUpState.PAID, True) if good else (TopUpState.FAILED, False))
    assert balance(buyer) == (AMOUNT if good else 0, 0)


def test_events_out_of_order_give_the_same_result(stripe: Connected):
    buyer = make_organization()
    started = stripe.start(buyer, AMOUNT)
    session = stripe.session(started.id)
    pay(stripe.store, session, later=True)
    settle(stripe.store, session, good=True)
    for event in reversed(stripe.store.events[-2:]):
        stripe.receive(event)
        gateway_events.process(id=event["id"])
    assert state_of(started.id) == (TopUpState.PAID, True)
    assert balance(buyer) == (AMOUNT, 0)


def test_an_unused_payment_page_expires(stripe: Connected):
    started = stripe.start(make_organization(), AMOUNT)
    stripe.store.advance(DAY + 1)
    # The double's clock is a day ahead, its events are signed with the real one.
    stripe.process_webhooks()
    assert state_of(started.id) == (TopUpState.EXPIRED, False)
    assert TopUp.objects.get(pk=started.id).page == ""


def test_a_refusal_has_stripes_message(stripe: Connected):
    with pytest.raises(GatewayRefused, match="No such customer: 'cus_unknown'"):
        current_gateway().open_checkout(
            CheckoutOrder(
                id=uuid.uuid4(),
                amount=AMOUNT,
                currency="USD",
                customer="cus_unknown",
                paid_url="https://market.example/",
                canceled_url="https://market.example/",
            )
        )
