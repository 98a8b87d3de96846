"""Usage reports to Stripe: from the settlement's transaction, each once, independent of each other."""

import time
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from billing.gateways import current_gateway
from billing.payments.models import GatewayCustomer, UnmeteredUsage
from billing.payments.services.customers import ensure_customer
from billing.payments.services.metering import MAX_AGE, TOPIC
from marketplace.core.models import OutboxEvent
from marketplace.core.outbox import relay, relay_external
from tests.integration.billing.conftest import Connected
from tests.support.doubles.stripe.store import Fault
from tests.support.ledger import Item, assert_ledger_consistent, hold, make_payer, make_price, name, settle

METER = "bourse_usage_micros"


@pytest.fixture
def metered(stripe: Connected) -> Connected:
    """With the meter that `manage.py stripe setup` makes."""
    current_gateway().set_up(webhook_url="https://market.example/webhooks/stripe")
    return stripe


def make_customer(stripe: Connected, *, credit: int = 1_000_000) -> tuple[str, str]:
    """(owner, Stripe's id of it)."""
    payer = make_payer(credit)
    return payer, ensure_customer(gateway=current_gateway(), holder=stripe.person(payer))


def use(payer: str, *amounts: int) -> list[str]:
    """Settle these amounts and return the identifiers that must be reported to Stripe."""
    price = make_price()
    items = [Item(hold(payer, price, amount), amount) for amount in amounts]
    settle(items)
    return [f"usage:{item.hold}" for item in items]


def told(stripe: Connected, customer: str) -> list[dict]:
    return stripe.store.metered.get((METER, customer), [])


def make_due() -> None:
    OutboxEvent.objects.update(due_at=timezone.now())


def test_each_settlement_of_a_customer_is_one_event_of_whole_micro_units(metered: Connected):
    payer, customer = make_customer(metered)
    identifiers = use(payer, 4_000, 1, 123_457)
    assert relay() == 0
    assert relay_external() == 3
    events = told(metered, customer)
    assert sorted(event["identifier"] for event in events) == sorted(identifiers)
    assert sorted(event["payload"]["value"] for event in events) == ["1", "123457", "4000"]
    assert all(abs(event["timestamp"] - time.time()) < 10 for event in events)
    assert not OutboxEvent.objects.exists()
    assert_ledger_consistent()


def test_usage_without_a_customer_or_charge_is_not_reported(metered: Connected):
    use(make_payer(10_000), 4_000)
    payer, _ = make_customer(metered)
    settle([Item(hold(payer, make_price(amount=0), 0), 0)])
    assert not OutboxEvent.objects.filter(topic=TOPIC).exists()


def test_a_rolled_back_settlement_is_not_reported(metered: Connected):
    payer, _ = make_customer(metered)
    with transaction.atomic():
        use(payer, 4_000)
        assert OutboxEvent.objects.filter(topic=TOPIC).count() == 1
        transaction.set_rollback(True)
    assert not OutboxEvent.objects.filter(topic=TOPIC).exists()


def test_a_repeated_settlement_is_reported_once(metered: Connected):
    payer, _ = make_customer(metered)
    item = Item(hold(payer, make_price(), 4_000), 4_000)
    for _ in range(2):
        settle([item, item])
    assert OutboxEvent.objects.filter(topic=TOPIC).count() == 1


def test_usage_reported_before_a_crash_is_not_repeated(metered: Connected):
    """The answer was lost three times, although Stripe had accepted each event the first time."""
    payer, customer = make_customer(metered)
    use(payer, 4_000)
    metered.store.faults.append(Fault("/v1/billing/meter_events", "lost", times=3))
    assert relay_external() == 1
    assert OutboxEvent.objects.get().attempts == 1
    make_due()
    assert relay_external() == 1
    assert not OutboxEvent.objects.exists()
    assert [event["payload"]["value"] for event in told(metered, customer)] == ["4000"]


def test_a_failing_report_delays_no_other(metered: Connected):
    good, customer = make_customer(metered)
    bad, _ = make_customer(metered)
    GatewayCustomer.objects.filter(owner=bad).update(external_id=f"cus_gone_{name()}")
    use(bad, 1_000)
    use(good, 2_000, 3_000)
    assert relay_external() == 3
    assert sorted(event["payload"]["value"] for event in told(metered, customer)) == ["2000", "3000"]
    (left,) = OutboxEvent.objects.all()
    assert (left.attempts, left.payload["amount"]) == (1, 1_000)
    assert "No such customer" in left.last_error


def test_without_its_meter_usage_waits_for_it(stripe: Connected, settings: object):
    settings.STRIPE_METER_EVENT_NAME = f"meter_{name()}"
    payer, customer = make_customer(stripe)
    use(payer, 4_000)
    assert relay_external() == 1
    assert "No active meter" in OutboxEvent.objects.get().last_error
    current_gateway().set_up(webhook_url="https://market.example/webhooks/stripe")
    make_due()
    assert relay_external() == 1
    assert len(stripe.store.metered[(settings.STRIPE_METER_EVENT_NAME, customer)]) == 1


def test_with_another_gateway_usage_waits(metered: Connected, settings: object):
    payer, customer = make_customer(metered)
    use(payer, 4_000)
    settings.STRIPE_SECRET_KEY = ""
    assert relay_external() == 1
    assert OutboxEvent.objects.get().attempts == 1
    assert told(metered, customer) == []


def test_usage_too_old_for_stripe_is_listed_for_the_operator(metered: Connected):
    payer, customer = make_customer(metered)
    (identifier,) = use(payer, 4_000)
    event = OutboxEvent.objects.get()
    event.payload["settled_at"] = int((timezone.now() - MAX_AGE - timedelta(seconds=1)).timestamp())
    event.save()
    assert relay_external() == 1
    assert not OutboxEvent.objects.exists()
    row = UnmeteredUsage.objects.get(customer=customer)
    assert (f"usage:{row.usage}", row.amount) == (identifier, 4_000)
    assert told(metered, customer) == []


def test_setting_up_twice_makes_one_meter(metered: Connected):
    lines = current_gateway().set_up(webhook_url="https://market.example/webhooks/stripe")
    assert lines[0] == f'The meter for "{METER}" is there.'
    assert sum(meter["event_name"] == METER for meter in metered.store.all("billing.meter")) == 1
    assert any("No webhook endpoint leads here" in line for line in lines)


def test_the_setup_command_lists_endpoints_and_missing_events(
    stripe: Connected, settings: object, capsys: pytest.CaptureFixture[str]
):
    settings.STRIPE_METER_EVENT_NAME = f"meter_{name()}"
    url = f"{settings.BASE_URL}/webhooks/stripe"
    call_command("stripe", "setup")
    out = capsys.readouterr().out
    assert f'The meter for "{settings.STRIPE_METER_EVENT_NAME}" was made.' in out
    assert f"Create one for {url} with these events:" in out
    endpoint = stripe.store.add(
        "we", "webhook_endpoint", status="enabled", url=url, enabled_events=["transfer.created"]
    )
    call_command("stripe", "setup")
    out = capsys.readouterr().out
    assert "is there." in out
    assert "lacks the events checkout.session.completed, " in out
    endpoint["enabled_events"] = ["*"]
    call_command("stripe", "setup")
    assert "lacks the events" not in capsys.readouterr().out
    stripe.store.objects.pop(endpoint["id"])
    settings.STRIPE_SECRET_KEY = ""
    call_command("stripe", "setup")
    assert "No payment provider is connected" in capsys.readouterr().out
