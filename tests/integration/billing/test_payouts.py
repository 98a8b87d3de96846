"""Payouts: never more than is owed, each paid once, and owed again if it failed."""

import uuid
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from billing.gateways.base import AccountHolder
from billing.ledger.domain import AccountKind
from billing.payments.domain import CENT, PayeeState, PayoutState
from billing.payments.models import Payee, Payout
from billing.payments.services.payees import onboard, onboarding_page
from billing.payments.services.payouts import TOPIC, request_payout, send, settle, take_back
from marketplace.core.models import OutboxEvent
from marketplace.core.money import MICRO
from marketplace.core.outbox import relay_external
from marketplace.core.problems import Conflict, Invalid, NotFound
from tests.integration.billing.conftest import Connected
from tests.support.concurrency import run_concurrently
from tests.support.doubles.stripe.resources import reverse, set_transfers
from tests.support.doubles.stripe.store import DAY, Fault
from tests.support.ledger import (
    acting_for,
    assert_ledger_consistent,
    balance,
    earn,
    make_organization,
    rows,
)

URLS = {"back_url": "https://market.example/back", "again_url": "https://market.example/again"}


def owed(provider: str) -> tuple[int, int]:
    """(payable, in transit)."""
    return balance(provider, AccountKind.PROVIDER_PAYABLE)[0], balance(provider, AccountKind.PAYOUT_IN_TRANSIT)[0]


def transfers_of(stripe: Connected, payout: Payout) -> list[dict]:
    return [one for one in stripe.store.all("transfer") if one["transfer_group"] == f"payout:{payout.pk}"]


@pytest.fixture
def provider(stripe: Connected) -> str:
    """An onboarded provider who is owed $12.345678; the platform's balance at Stripe is sufficient."""
    stripe.store.incoming.append((0, 100_000))
    provider = make_organization()
    stripe.onboard(provider)
    earn(provider, 12_345_678)
    return provider


def test_whole_cents_are_paid_and_the_rest_stays(stripe: Connected, provider: str):
    payout = request_payout(actor=acting_for(provider), key="form")
    assert (payout.state, payout.amount) == (PayoutState.REQUESTED, 12_340_000)
    assert owed(provider) == (5_678, 12_340_000)
    assert transfers_of(stripe, payout) == []
    assert relay_external() == 1
    (transfer,) = transfers_of(stripe, payout)
    assert (transfer["amount"], transfer["currency"], transfer["metadata"]) == (
        1_234,
        "usd",
        {"payout": str(payout.pk)},
    )
    payout.refresh_from_db()
    assert (payout.state, payout.transfer) == (PayoutState.PAID, transfer["id"])
    assert owed(provider) == (5_678, 0)
    stripe.process_webhooks()  # Stripe's event about it changes nothing
    assert owed(provider) == (5_678, 0)
    assert_ledger_consistent()


def test_less_than_the_minimum_is_not_paid(stripe: Connected, settings: object):
    settings.PAYOUT_MINIMUM_CENTS = 100
    provider = make_organization()
    stripe.onboard(provider)
    earn(provider, 100 * CENT - 1)
    with pytest.raises(Invalid):
        request_payout(actor=acting_for(provider), key="form")
    assert owed(provider) == (100 * CENT - 1, 0)
    earn(provider, 1)
    assert request_payout(actor=acting_for(provider), key="form").amount == 100 * CENT


def test_nobody_is_paid_before_stripe_would(stripe: Connected):
    provider = make_organization()
    earn(provider, 5 * MICRO)
    with pytest.raises(Conflict, match="not set up"):
        request_payout(actor=acting_for(provider), key="form")
    with pytest.raises(NotFound):
        onboarding_page(actor=acting_for(provider), **URLS)
    page = onboard(actor=acting_for(provider), holder=stripe.person(provider), country="de", **URLS)
    assert page.startswith(f"{stripe.double.url}/onboard/")
    assert Payee.objects.get(owner=provider).state == PayeeState.ONBOARDING
    with pytest.raises(Conflict, match="not set up"):
        request_payout(actor=acting_for(provider), key="form")
    assert owed(provider) == (5 * MICRO, 0)
    assert (
        onboard(actor=acting_for(provider), holder=stripe.person(provider), country="", **URLS) != page
    )  # a fresh page of the same account
    assert Payee.objects.filter(owner=provider).count() == 1


@pytest.mark.parametrize("country", ["", "Germany", "D1", "ÄÖ"])
def test_a_country_is_two_letters(stripe: Connected, country: str):
    provider = make_organization()
    with pytest.raises(Invalid):
        onboard(actor=acting_for(provider), holder=stripe.person(provider), country=country, **URLS)
    assert not Payee.objects.filter(owner=provider).exists()


@pytest.mark.parametrize(
    ("status", "codes", "state"),
    [
        ("active", (), PayeeState.ACTIVE),
        ("pending", (), PayeeState.ONBOARDING),
        ("restricted", ("requirements_past_due",), PayeeState.ONBOARDING),
        ("rejected", ("rejected_fraud",), PayeeState.RESTRICTED),
    ],
)
def test_account_events_update_the_payee(stripe: Connected, status: str, codes: tuple[str, ...], state: PayeeState):
    provider = make_organization()
    account = stripe.onboard(provider)
    stripe.process_webhooks()
    set_transfers(stripe.store, account, status, *codes)
    assert stripe.process_webhooks() == 1
    payee = Payee.objects.get(owner=provider)
    assert payee.state == state
    assert payee.reason == ("rejected fraud" if state == PayeeState.RESTRICTED else "")


def test_a_double_click_pays_once(stripe: Connected, provider: str):
    payouts = run_concurrently([partial(request_payout, actor=acting_for(provider), key="form")] * 4)
    assert len({payout.pk for payout in payouts}) == 1
    assert owed(provider) == (5_678, 12_340_000)
    assert OutboxEvent.objects.filter(topic=TOPIC).count() == 1


def test_two_tabs_pay_once(stripe: Connected, provider: str):
    def ask(key: str) -> bool:
        try:
            request_payout(actor=acting_for(provider), key=key)
        except Invalid:
            return False
        return True

    assert sorted(run_concurrently([partial(ask, key) for key in "abcd"])) == [False, False, False, True]
    assert owed(provider) == (5_678, 12_340_000)
    assert_ledger_consistent()


def test_concurrent_senders_pay_once(stripe: Connected, provider: str):
    payout = request_payout(actor=acting_for(provider), key="form")
    run_concurrently([partial(send, id=payout.pk)] * 4)
    assert len(transfers_of(stripe, payout)) == 1
    assert owed(provider) == (5_678, 0)
    assert rows("SELECT count(*) FROM billing_transaction WHERE source = %s", f"payout:{payout.pk}") == [(2,)]


def test_a_lost_answer_is_requested_again(stripe: Connected, provider: str):
    payout = request_payout(actor=acting_for(provider), key="form")
    stripe.store.faults.append(Fault("/v1/transfers", "lost", times=3))
    assert relay_external() == 1
    assert owed(provider) == (5_678, 12_340_000)
    OutboxEvent.objects.update(due_at=timezone.now())
    assert relay_external() == 1
    assert len(transfers_of(stripe, payout)) == 1
    assert owed(provider) == (5_678, 0)


def test_an_event_settles_a_payout_without_an_answer(stripe: Connected, provider: str):
    payout = request_payout(actor=acting_for(provider), key="form")
    stripe.store.faults.append(Fault("/v1/transfers", "lost", times=3))
    relay_external()
    stripe.process_webhooks()
    payout.refresh_from_db()
    assert payout.state == PayoutState.PAID
    assert owed(provider) == (5_678, 0)


def test_after_the_key_expired_existing_transfers_are_checked_first(stripe: Connected, provider: str):
    payout = request_payout(actor=acting_for(provider), key="form")
    stripe.store.faults.append(Fault("/v1/transfers", "lost", times=3))
    relay_external()
    stripe.store.advance(2 * DAY)  # the double has forgotten the key
    Payout.objects.filter(pk=payout.pk).update(created_at=timezone.now() - timedelta(days=2))
    send(id=payout.pk)
    assert len(transfers_of(stripe, payout)) == 1
    assert owed(provider) == (5_678, 0)


def test_a_refused_payout_is_owed_again(stripe: Connected, provider: str):
    set_transfers(stripe.store, stripe.store.objects[Payee.objects.get(owner=provider).external_id], "rejected")
    payout = request_payout(actor=acting_for(provider), key="form")
    assert relay_external() == 1
    payout.refresh_from_db()
    assert payout.state == PayoutState.FAILED
    assert "capabilities" in payout.reason
    assert owed(provider) == (12_345_678, 0)
    assert not OutboxEvent.objects.exists()
    assert_ledger_consistent()


def test_an_uncovered_payout_is_refused_and_can_be_repeated(stripe: Connected, provider: str):
    stripe.store.paid_out += (taken := stripe.store.available())
    first = request_payout(actor=acting_for(provider), key="first")
    relay_external()
    first.refresh_from_db()
    assert "did not cover" in first.reason
    assert owed(provider) == (12_345_678, 0)
    stripe.store.paid_out -= taken
    second = request_payout(actor=acting_for(provider), key="second")
    relay_external()
    second.refresh_from_db()
    assert second.state == PayoutState.PAID
    assert owed(provider) == (5_678, 0)


def test_a_reversed_transfer_is_owed_again_once(stripe: Connected, provider: str):
    payout = request_payout(actor=acting_for(provider), key="form")
    relay_external()
    (transfer,) = transfers_of(stripe, payout)
    stripe.process_webhooks()
    reverse(stripe.store, transfer, amount=234)
    reverse(stripe.store, transfer, amount=1_000)
    partly, wholly = stripe.store.events[-2:]
    assert stripe.process_webhooks() == 2
    for event in (wholly, partly):
        stripe.receive(event | {"id": f"{event['id']}twin"})
    stripe.processed = len(stripe.store.events)
    relay_external()
    payout.refresh_from_db()
    assert (payout.state, payout.returned) == (PayoutState.REVERSED, 12_340_000)
    assert owed(provider) == (12_345_678, 0)
    assert_ledger_consistent()


def test_a_reversal_event_before_the_transfer_event(stripe: Connected, provider: str):
    payout = request_payout(actor=acting_for(provider), key="form")
    assert take_back(id=payout.pk, transfer="tr_1", returned=340_000)
    assert settle(id=payout.pk, transfer="tr_1")
    payout.refresh_from_db()
    assert (payout.state, payout.returned) == (PayoutState.PAID, 340_000)
    assert owed(provider) == (345_678, 0)


def test_foreign_transfers_are_ignored(stripe: Connected):
    assert not settle(id=uuid.uuid4(), transfer="tr_1")
    assert not take_back(id=uuid.uuid4(), transfer="tr_1", returned=1)


def test_the_sandbox_pays_at_once(database: None):
    provider = make_organization()
    earn(provider, 12_345_678)
    page = onboard(
        actor=acting_for(provider), holder=AccountHolder(provider, "Acme", "a@example.com"), country="US", **URLS
    )
    assert page == URLS["back_url"]
    payout = request_payout(actor=acting_for(provider), key="form")
    assert payout.state == PayoutState.PAID
    assert owed(provider) == (5_678, 0)
    relay_external()
    assert owed(provider) == (5_678, 0)
    assert_ledger_consistent()
