"""The double itself, tested with the real SDK: it accepts and refuses the same requests as Stripe."""

import time

import pytest
import stripe as sdk

from tests.integration.billing.conftest import Connected
from tests.support.doubles.stripe.store import DAY, Fault
from tests.support.ledger import name


@pytest.fixture
def client(stripe: Connected) -> sdk.StripeClient:
    base = stripe.double.url
    addresses = {"api": base, "connect": base, "files": base, "meter_events": base}
    return sdk.StripeClient("sk_test_double", base_addresses=addresses, max_network_retries=0)


def make_meter(client: sdk.StripeClient) -> str:
    event = f"meter_{name()}"
    client.v1.billing.meters.create(
        {"display_name": "Usage", "event_name": event, "default_aggregation": {"formula": "sum"}}
    )
    return event


def test_parameters_unknown_to_the_sdk_are_refused(client: sdk.StripeClient):
    with pytest.raises(sdk.InvalidRequestError) as refused:
        client.v1.customers.create({"nickname": "x"})
    assert refused.value.code == "parameter_unknown"
    with pytest.raises(sdk.InvalidRequestError, match="Missing required param: currency"):
        client.v1.transfers.create({"amount": 1, "destination": "acct_1"})
    with pytest.raises(sdk.InvalidRequestError, match="Invalid amount"):
        client.v1.transfers.create({"amount": "1.5", "currency": "usd", "destination": "acct_1"})
    with pytest.raises(sdk.InvalidRequestError, match=r"line_items\[0\]\[price_data\]\[tax\]"):
        client.v1.checkout.sessions.create(
            {"mode": "payment", "line_items": [{"price_data": {"currency": "usd", "tax": 1}}]}
        )
    with pytest.raises(sdk.StripeError, match="unknown"):
        client.v2.core.accounts.create({"identity": {"land": "us"}})


def test_a_wrong_api_key_is_refused(stripe: Connected):
    base = stripe.double.url
    addresses = {"api": base, "connect": base, "files": base, "meter_events": base}
    with pytest.raises(sdk.AuthenticationError):
        sdk.StripeClient("pk_test_1", base_addresses=addresses).v1.customers.create({})


def test_an_idempotency_key_repeats_its_answer_and_refuses_other_requests(stripe: Connected, client: sdk.StripeClient):
    key = name()
    first = client.v1.customers.create({"name": "Acme"}, {"idempotency_key": key})
    assert client.v1.customers.create({"name": "Acme"}, {"idempotency_key": key}).id == first.id
    with pytest.raises(sdk.IdempotencyError, match="same parameters"):
        client.v1.customers.create({"name": "Other"}, {"idempotency_key": key})
    stripe.store.advance(DAY + 1)
    assert client.v1.customers.create({"name": "Other"}, {"idempotency_key": key}).id != first.id


def test_meter_events(stripe: Connected, client: sdk.StripeClient):
    customer, event = client.v1.customers.create({}).id, make_meter(client)
    now = stripe.store.now()

    def send(**change: object) -> object:
        payload = {"stripe_customer_id": customer, "value": change.pop("value", "5")}
        return client.v1.billing.meter_events.create({"event_name": event, "payload": payload} | change)

    send(identifier="a", timestamp=now - 35 * DAY + 60)
    for change, match in (
        ({"identifier": "a"}, "An event already exists with identifier a"),
        ({"value": "1.5"}, "whole number"),
        ({"timestamp": now - 35 * DAY - 60}, "past 35 days"),
        ({"timestamp": now + 400}, "5 minutes"),
        ({"identifier": "x" * 101}, "100 characters"),
        ({"event_name": "nothing"}, "No active meter"),
        ({"payload": {"stripe_customer_id": "cus_gone", "value": "1"}}, "No such customer"),
    ):
        with pytest.raises(sdk.InvalidRequestError, match=match):
            send(**change)
    assert [one["identifier"] for one in stripe.store.metered[(event, customer)]] == ["a"]
    stripe.store.advance(DAY + 1)
    send(identifier="a")
    assert len(stripe.store.metered[(event, customer)]) == 2


def test_transfers_need_an_active_account_and_funds(stripe: Connected, client: sdk.StripeClient):
    recipient = {"capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}}
    with pytest.raises(sdk.StripeError, match="country"):
        client.v2.core.accounts.create({"configuration": {"recipient": recipient}})
    account = client.v2.core.accounts.create(
        {"configuration": {"recipient": recipient}, "identity": {"country": "us"}, "dashboard": "express"}
    )
    order = {"amount": 100, "currency": "usd", "destination": account.id}
    with pytest.raises(sdk.InvalidRequestError) as refused:
        client.v1.transfers.create(order)
    assert refused.value.code == "insufficient_capabilities_for_transfer"
    link = client.v2.core.account_links.create(
        {
            "account": account.id,
            "use_case": {
                "type": "account_onboarding",
                "account_onboarding": {"refresh_url": "https://a.example", "return_url": "https://b.example"},
            },
        }
    )
    assert link.url.startswith(f"{stripe.double.url}/onboard/")
    from tests.support.doubles.stripe.resources import set_transfers

    set_transfers(stripe.store, stripe.store.objects[account.id], "active")
    stripe.store.paid_out += stripe.store.available()
    stripe.store.incoming.append((stripe.store.now() + 2 * DAY, 100))
    with pytest.raises(sdk.InvalidRequestError) as refused:
        client.v1.transfers.create(order)
    assert refused.value.code == "balance_insufficient"
    stripe.store.advance(2 * DAY + 1)
    assert client.v1.transfers.create(order).amount == 100
    assert stripe.store.available() == 0


def test_configured_faults_occur(stripe: Connected, client: sdk.StripeClient):
    stripe.store.faults += [Fault("/v1/customers", "error"), Fault("/v1/customers", "limited")]
    for expected in (sdk.APIError, sdk.RateLimitError):
        with pytest.raises(expected):
            client.v1.customers.create({})
    stripe.store.faults.append(Fault("/v1/customers", "slow", seconds=0.3))
    began = time.monotonic()
    client.v1.customers.create({})
    assert time.monotonic() - began >= 0.3


def test_endpoints_and_meters_are_listed(client: sdk.StripeClient):
    event = make_meter(client)
    assert event in [meter.event_name for meter in client.v1.billing.meters.list({"limit": 100}).auto_paging_iter()]
    with pytest.raises(sdk.InvalidRequestError, match="exists"):
        client.v1.billing.meters.create(
            {"display_name": "Usage", "event_name": event, "default_aggregation": {"formula": "sum"}}
        )
    made = client.v1.webhook_endpoints.create({"url": "https://m.example/w", "enabled_events": ["*"]})
    assert made.id in [one.id for one in client.v1.webhook_endpoints.list({"limit": 100}).data]
