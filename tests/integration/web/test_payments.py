"""The pages of payments, with the sandbox and with Stripe's double: who may do what, and what they say."""

import re
import threading
import time
import uuid

import pytest
from django.db import connection, connections, transaction
from django.db.backends.utils import CursorWrapper
from django.test import Client

from billing.ledger.domain import AccountKind
from billing.ledger.selectors import balance_of
from billing.payments.models import GatewayEvent, Payout, TopUp
from billing.payments.services.payouts import request_payout
from marketplace.accounts.domain import Role
from marketplace.accounts.models import AuditEvent, User
from marketplace.accounts.selectors import actor_of
from marketplace.accounts.services.members import add_member, change_role
from marketplace.core.ids import short
from marketplace.core.money import MICRO
from marketplace.core.problems import Forbidden
from tests.integration.billing.conftest import SECRET, Connected, _double, stripe  # noqa: F401  # fixtures
from tests.support.doubles.stripe.resources import pay
from tests.support.doubles.stripe.store import Fault, signed
from tests.support.ledger import earn
from tests.support.parties import Party, make_party

pytestmark = pytest.mark.usefixtures("database")


def signed_in(party: Party) -> Client:
    client = Client()
    client.force_login(party.user)
    return client


def a_member_of(party: Party) -> Client:
    other = make_party()
    add_member(actor=party.actor, email=other.user.email, role=Role.DEVELOPER)
    return signed_in(other)


def an_operator() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser(f"{uuid.uuid4().hex}@example.com", "correct horse battery"))
    return client


def key_in(page: str) -> str:
    return re.search(r'name="key" value="([0-9a-f]{32})"', page)[1]


def test_the_sandbox_books_at_once_and_says_so():
    buyer = make_party()
    client, path = signed_in(buyer), f"/console/{buyer.organization.slug}/balance"
    page = client.get(path).content.decode()
    assert "Test money: no payment provider is connected." in page
    form = {"amount": "20", "key": key_in(page)}
    for _ in range(2):
        assert client.post(path, form).headers["Location"] == path
    assert balance_of(buyer.owner, AccountKind.BUYER_PREPAID).posted == 20 * MICRO
    page = client.get(path).content.decode()
    assert page.count("Top-up through sandbox") == 1
    assert "Paid" in page


def test_the_buyer_is_sent_to_the_payment_page_and_sees_it_booked(stripe: Connected):  # noqa: F811
    buyer = make_party()
    client, path = signed_in(buyer), f"/console/{buyer.organization.slug}/balance"
    page = client.get(path).content.decode()
    assert "Test money: Stripe is connected in test mode." in page
    form = {"amount": "20", "key": key_in(page)}
    answers = [client.post(path, form) for _ in range(2)]
    assert {answer.status_code for answer in answers} == {302}
    row = TopUp.objects.get(owner=buyer.owner)
    session = stripe.session(row.pk)
    assert {answer.headers["Location"] for answer in answers} == {session["url"]}
    mine = f"/console/{buyer.organization.slug}/balance/top-ups/{short(row.pk)}"
    assert session["success_url"].endswith(mine)
    assert session["cancel_url"].endswith(f"{mine}?canceled=1")

    waiting = client.get(mine).content.decode()
    assert "Waiting for the payment provider" in waiting
    assert 'hx-trigger="every 1s"' in waiting
    canceled = client.get(f"{mine}?canceled=1").content.decode()
    assert "Nothing was charged" in canceled
    assert session["url"] in canceled
    pay(stripe.store, session)
    stripe.process_webhooks()
    part = client.get(mine, headers={"HX-Request": "true"}).content.decode()
    assert "It is on your balance: $20.00 available." in part
    assert "<html" not in part
    assert "hx-trigger" not in client.get(mine).content.decode()
    assert signed_in(make_party()).get(mine).status_code == 404
    assert signed_in(make_party()).get(mine).status_code == 404


def test_an_unavailable_payment_provider_is_shown_and_the_key_is_kept(stripe: Connected):  # noqa: F811
    buyer = make_party()
    client, path = signed_in(buyer), f"/console/{buyer.organization.slug}/balance"
    stripe.store.faults.append(Fault("/v1/checkout/sessions", "error", times=3))
    key = uuid.uuid4().hex
    answer = client.post(path, {"amount": "20", "key": key})
    assert answer.status_code == 422
    assert "Stripe failed" in answer.content.decode()
    assert key_in(answer.content.decode()) == key
    assert client.post(path, {"amount": "20", "key": key}).status_code == 302
    assert TopUp.objects.filter(owner=buyer.owner).count() == 1


def test_only_owners_move_money(stripe: Connected):  # noqa: F811
    party = make_party(can_provide=True)
    slug, member = party.organization.slug, a_member_of(party)
    for path, form in (
        (f"/console/{slug}/balance", {"amount": "20"}),
        (f"/provider/{slug}/payouts", {"key": "k"}),
        (f"/provider/{slug}/payouts/onboard", {"country": "US"}),
    ):
        assert member.post(path, form).status_code == 403, path
        assert signed_in(make_party()).post(path, form).status_code == 404, path
    assert member.get(f"/provider/{slug}/payouts").status_code == 403
    assert member.get(f"/console/{slug}/balance").status_code == 200
    assert not TopUp.objects.filter(owner=party.owner).exists()


def test_a_provider_onboards_and_is_paid_in_the_sandbox():
    party = make_party(can_buy=False, can_provide=True)
    client, path = signed_in(party), f"/provider/{party.organization.slug}/payouts"
    earn(party.owner, 12_345_678)
    assert "Set up payouts" in client.get(path).content.decode()
    bad = client.post(f"{path}/onboard", {"country": "nowhere"})
    assert bad.status_code == 422
    assert "Write the country as two letters" in bad.content.decode()
    answer = client.post(f"{path}/onboard", {"country": "US"})
    assert answer.headers["Location"].endswith(f"{path}/back")
    assert client.get(f"{path}/back").headers["Location"] == path
    page = client.get(path).content.decode()
    assert "Pay out $12.34" in page
    for _ in range(2):
        assert client.post(path, {"key": key_in(page)}).headers["Location"] == path
    assert [payout.amount for payout in Payout.objects.filter(owner=party.owner)] == [12_340_000]
    page = client.get(path).content.decode()
    assert "Sent" in page
    assert "disabled" in page
    earnings = f"/provider/{party.organization.slug}/earnings"
    statement = client.get(earnings).content.decode()
    assert "Payout through sandbox" in statement
    (entries,) = re.findall(rf'href="({earnings}/[0-9]+)">Payout through sandbox', statement)
    assert "Payouts in transit" in client.get(entries).content.decode()


def test_the_operator_sees_events_and_has_them_processed_again(stripe: Connected):  # noqa: F811
    event = stripe.store.tell(
        "checkout.session.completed",
        {
            "id": "cs_x",
            "client_reference_id": str(uuid.uuid4()),
            "payment_status": "paid",
            "amount_total": 5,
            "currency": "usd",
        },
    )
    stripe.process_webhooks()
    client = an_operator()
    page = client.get("/operator/payments?open").content.decode()
    assert event["id"] in page
    assert "which this market does not have" in page
    path = f"/operator/payments/{event['id']}/again"
    assert signed_in(make_party()).post(path).status_code == 404
    assert client.get(path).status_code == 405
    assert client.post(path).headers["Location"] == "/operator/payments"
    assert GatewayEvent.objects.get(pk=event["id"]).state == "received"


def test_the_endpoint_of_events(stripe: Connected):  # noqa: F811
    event = stripe.store.tell("customer.created", {"id": "cus_1"})
    body, signature = signed(event, SECRET)
    client = Client(enforce_csrf_checks=True)

    def send(body: bytes, signature: str) -> tuple[int, str]:
        answer = client.post(
            "/webhooks/stripe", body, content_type="application/json", headers={"Stripe-Signature": signature}
        )
        return answer.status_code, answer.headers["Content-Type"]

    assert send(body, "t=1,v1=0") == (400, "application/problem+json")
    assert send(b"\xff\xfe", signature)[0] == 400
    assert not GatewayEvent.objects.filter(pk=event["id"]).exists()
    assert [send(body, signature)[0] for _ in range(2)] == [200, 200]
    assert GatewayEvent.objects.get(pk=event["id"]).body == body.decode()
    assert client.get("/webhooks/stripe").status_code == 405


def test_without_stripe_the_endpoint_answers_404():
    assert Client().post("/webhooks/stripe", b"{}", content_type="application/json").status_code == 404


def test_a_payout_is_written_down_once_with_its_amount():
    provider = make_party(can_provide=True)
    client, path = signed_in(provider), f"/provider/{provider.organization.slug}/payouts"
    earn(provider.owner, 12 * MICRO)
    client.post(f"{path}/onboard", {"country": "US"})
    for _ in range(3):  # the form that is sent again pays nothing, and nothing more is written
        assert client.post(path, {"key": "0" * 32}).status_code == 302
    payout = Payout.objects.get(owner=provider.owner)
    event = AuditEvent.objects.get(organization=provider.organization, action="payout.requested")
    assert (event.subject, event.actor, event.data) == (
        str(payout.pk),
        provider.user,
        {"amount": 12 * MICRO, "currency": "USD"},
    )


def test_a_payout_that_does_not_happen_leaves_no_trace():
    """The audit goes with the rows that it tells of: if the transaction ends early, neither is there."""
    provider = make_party(can_provide=True)
    client, path = signed_in(provider), f"/provider/{provider.organization.slug}/payouts"
    earn(provider.owner, 12 * MICRO)
    client.post(f"{path}/onboard", {"country": "US"})
    before = AuditEvent.objects.filter(organization=provider.organization).count()
    with transaction.atomic():
        request_payout(actor=provider.actor, key="form")
        transaction.set_rollback(True)
    assert AuditEvent.objects.filter(organization=provider.organization).count() == before
    assert not Payout.objects.filter(owner=provider.owner).exists()


def test_a_member_whose_role_is_taken_while_their_payout_waits_gets_none():
    provider, payer = make_party(can_provide=True), make_party()
    owner = provider.actor
    earn(provider.owner, 12 * MICRO)
    signed_in(provider).post(f"/provider/{provider.organization.slug}/payouts/onboard", {"country": "US"})
    membership = add_member(actor=owner, email=payer.user.email, role=Role.BILLING)
    billing, outcome = actor_of(membership), []

    def ask() -> None:
        try:
            outcome.append(request_payout(actor=billing, key="form"))
        except Forbidden as refused:
            outcome.append(refused.detail)
        finally:
            connections.close_all()

    with transaction.atomic(), connection.cursor() as cursor:
        # What two payouts of one provider take in turn: it makes the request wait until the role has changed.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"payout:{provider.owner}"])
        asking = threading.Thread(target=ask)
        asking.start()
        wait_until_blocked(cursor)
        change_role(actor=owner, membership_id=membership.pk, role=Role.AUDITOR)
    asking.join(30)
    assert outcome == ["To ask for payouts you need the role owner, admin or billing; ask a member who has it."]
    assert not Payout.objects.filter(owner=provider.owner).exists()


def wait_until_blocked(cursor: CursorWrapper) -> None:
    """Until another session waits for a lock that this one holds."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))")
        if cursor.fetchone()[0]:
            return
        time.sleep(0.02)
    raise AssertionError("nothing waited for the lock")
