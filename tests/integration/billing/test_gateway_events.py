"""Events of the gateway: verified, stored as received, and processed once."""

import time

import pytest
from django.db import DatabaseError, connections, transaction
from django.utils import timezone

from billing.gateways.base import BadSignature
from billing.payments.domain import EventState, TopUpState
from billing.payments.models import GatewayEvent, TopUp
from billing.payments.services import gateway_events
from marketplace.core.ids import new_id
from marketplace.core.models import OutboxEvent
from marketplace.core.money import MICRO
from marketplace.core.outbox import relay, relay_external
from marketplace.core.problems import NotFound
from tests.integration.billing.conftest import SECRET, Connected
from tests.support.doubles.stripe.resources import pay
from tests.support.doubles.stripe.store import Fault, Object, signed
from tests.support.ledger import balance, make_organization
from tests.support.parties import make_operator


@pytest.fixture
def event(stripe: Connected) -> Object:
    return stripe.store.tell("customer.created", {"id": "cus_1", "object": "customer"})


def kept(event: Object) -> GatewayEvent | None:
    return GatewayEvent.objects.filter(pk=event["id"]).first()


@pytest.mark.parametrize("seconds", [-305, 305])
def test_old_and_future_events_are_refused(stripe: Connected, event: Object, seconds: int):
    body, signature = signed(event, SECRET, at=int(time.time()) + seconds)
    with pytest.raises(BadSignature):
        gateway_events.receive(body=body, signature=signature)
    assert kept(event) is None


@pytest.mark.parametrize("seconds", [-290, 0, 290])
def test_a_small_clock_difference_is_accepted(stripe: Connected, event: Object, seconds: int):
    body, signature = signed(event, SECRET, at=int(time.time()) + seconds)
    assert gateway_events.receive(body=body, signature=signature) == event["id"]
    assert kept(event).body == body.decode()


@pytest.mark.parametrize("signature", ["", "t=1", "v1=00", "nonsense", "t=x,v1=y"])
def test_unsigned_events_are_not_stored(stripe: Connected, event: Object, signature: str):
    body, _ = signed(event, SECRET)
    with pytest.raises(BadSignature):
        gateway_events.receive(body=body, signature=signature)
    assert kept(event) is None


def test_another_secret_or_another_body_is_refused(stripe: Connected, event: Object):
    body, signature = signed(event, "whsec_other")
    with pytest.raises(BadSignature):
        gateway_events.receive(body=body, signature=signature)
    body, signature = signed(event, SECRET)
    with pytest.raises(BadSignature):
        gateway_events.receive(body=body + b" ", signature=signature)
    assert kept(event) is None


def test_one_of_several_secrets_is_enough(stripe: Connected, settings: object, event: Object):
    settings.STRIPE_WEBHOOK_SECRET = f"whsec_new,{SECRET}"
    for secret in ("whsec_new", SECRET):
        body, signature = signed(event, secret)
        assert gateway_events.receive(body=body, signature=signature) == event["id"]
    body, signature = signed(event, "whsec_old")
    with pytest.raises(BadSignature):
        gateway_events.receive(body=body, signature=signature)


def test_a_signed_body_that_is_no_event_is_refused(stripe: Connected):
    for body in ({}, {"id": "evt_1"}, {"id": "evt_1", "type": "x", "data": 3}):
        raw, signature = signed(body, SECRET)
        with pytest.raises(BadSignature):
            gateway_events.receive(body=raw, signature=signature)


def test_without_stripe_events_are_refused(database: None):
    with pytest.raises(NotFound):
        gateway_events.receive(body=b"{}", signature="t=1,v1=0")


def test_an_event_is_stored_once_and_processed_by_the_outbox(stripe: Connected, event: Object):
    stripe.receive(event)
    stripe.receive(event)
    assert OutboxEvent.objects.filter(topic=gateway_events.TOPIC).count() == 1
    assert relay() == 0  # external topics have a relay of their own
    assert relay_external() == 1
    row = kept(event)
    assert (row.state, row.attempts) == (EventState.IGNORED, 1)
    assert not OutboxEvent.objects.exists()


def test_a_failed_event_is_processed_later(stripe: Connected):
    """The event needs an answer of Stripe that does not come; others are processed meanwhile."""
    provider, buyer = make_organization(), make_organization()
    account = stripe.onboard(provider)
    started = stripe.start(buyer, 20 * MICRO)
    pay(stripe.store, stripe.session(started.id))
    thin, paid = stripe.store.events[-2:]
    assert thin["related_object"]["id"] == account["id"]
    stripe.store.faults.append(Fault(f"/v2/core/accounts/{account['id']}", "error", times=3))
    for event in (thin, paid):
        stripe.receive(event)
    assert relay_external() == 2
    row = kept(thin)
    assert (row.state, row.attempts) == (EventState.RETRYING, 1)
    assert row.error.startswith("GatewayUnavailable: Stripe failed")
    assert balance(buyer) == (20 * MICRO, 0)
    (waiting,) = OutboxEvent.objects.all()
    assert waiting.attempts == 1
    assert waiting.due_at > timezone.now()
    OutboxEvent.objects.update(due_at=timezone.now())
    assert relay_external() == 1
    row = kept(thin)
    assert (row.state, row.attempts, row.error) == (EventState.PROCESSED, 2, "")


def test_the_operator_may_have_an_event_processed_again(stripe: Connected):
    buyer, operator = make_organization(), make_operator()
    started = stripe.start(buyer, 20 * MICRO)
    pay(stripe.store, stripe.session(started.id))
    event = stripe.store.events[-1]
    TopUp.objects.filter(pk=started.id).update(owner="nobody", id=new_id())
    stripe.process_webhooks()
    assert kept(event).state == EventState.FAILED
    TopUp.objects.filter(owner="nobody").update(id=started.id, owner=buyer)
    gateway_events.process_again(actor=operator, id=event["id"])
    assert relay_external() == 2  # the event's own delivery, which `process_webhooks` preceded, and the new one
    assert kept(event).state == EventState.PROCESSED
    assert TopUp.objects.get(pk=started.id).state == TopUpState.PAID
    assert balance(buyer) == (20 * MICRO, 0)
    with pytest.raises(NotFound):
        gateway_events.process_again(actor=operator, id=event["id"])
    with pytest.raises(NotFound):
        gateway_events.process_again(actor=operator, id="evt_unknown")


def test_a_crash_during_processing_is_rolled_back(stripe: Connected):
    buyer = make_organization()
    started = stripe.start(buyer, 20 * MICRO)
    pay(stripe.store, stripe.session(started.id))
    event = stripe.store.events[-1]
    stripe.receive(event)
    with transaction.atomic():
        gateway_events.process(id=event["id"])
        assert balance(buyer) == (20 * MICRO, 0)
        transaction.set_rollback(True)
    assert balance(buyer) == (0, 0)
    assert kept(event).state == EventState.RECEIVED
    assert relay_external() == 1
    assert balance(buyer) == (20 * MICRO, 0)


@pytest.mark.parametrize("alias", ["default", "owner"])
def test_stored_events_cannot_be_changed(stripe: Connected, event: Object, alias: str):
    stripe.receive(event)
    for sql in (
        "UPDATE billing_gatewayevent SET body = 'x' WHERE id = %s",
        "UPDATE billing_gatewayevent SET received_at = now() - interval '1 day' WHERE id = %s",
        "DELETE FROM billing_gatewayevent WHERE id = %s",
    ):
        with (
            pytest.raises(DatabaseError, match="stays as it came|append-only"),
            transaction.atomic(using=alias),
            connections[alias].cursor() as cursor,
        ):
            cursor.execute(sql, [event["id"]])
    assert kept(event) is not None
