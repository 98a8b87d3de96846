"""Top-ups: stored first, then requested at the gateway, booked when the gateway confirms the payment."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from billing.gateways import current_gateway
from billing.gateways.base import AccountHolder, Checkout, CheckoutOrder, Gateway
from billing.gateways.sandbox import Sandbox
from billing.ledger.domain import PLATFORM, AccountKind, TransactionKind
from billing.ledger.services.posting import Leg, post
from billing.payments.domain import GATEWAY_LABELS, TopUpState, whole_cents
from billing.payments.models import TopUp
from billing.payments.services.customers import ensure_customer
from marketplace.accounts import policy
from marketplace.accounts.domain import Actor
from marketplace.accounts.policy import Action
from marketplace.accounts.services import audit
from marketplace.core.money import MICRO
from marketplace.core.problems import Conflict, FieldError, Invalid

Address = Callable[[uuid.UUID], str]


@dataclass(frozen=True)
class StartedTopUp:
    """A requested top-up, and the payment page while it is unpaid."""

    id: uuid.UUID
    page: str


@dataclass(frozen=True)
class Payment:
    """A payment that the gateway reports: `amount` in micro-units."""

    session: str
    amount: int
    currency: str


def start_top_up(
    *, actor: Actor, holder: AccountHolder, amount: int, key: str, paid_url: Address, canceled_url: Address
) -> StartedTopUp:
    """Request a payment, once for each key. With a `page` the buyer pays there; without one it is booked already.

    Args:
        holder: what the gateway is told of the actor's organisation.
        amount: micro-units, whole cents.
        key: names the form that was sent; the same key again leads to the same payment.
        paid_url: where the gateway sends the buyer's browser, by the top-up's id; `canceled_url` if they turn back.

    Raises:
        Forbidden: as `policy.require` says.
        Invalid: the amount is outside of what the gateway takes.
        Conflict: the key was used for another amount.
        GatewayUnavailable, GatewayRefused: no payment was begun; the same call may be made again.
    """
    gateway = current_gateway()
    with transaction.atomic():
        policy.require(actor, Action.TOP_UP)
        top_up, is_new = _write_down(owner=actor.party, amount=amount, key=key, gateway=gateway)
        if is_new:
            facts = {"amount": amount, "currency": top_up.currency}
            audit.record(actor, action="top_up.started", subject=str(top_up.pk), **facts)
    if top_up.state != TopUpState.PENDING or top_up.session:
        return StartedTopUp(top_up.pk, top_up.page)
    customer = ensure_customer(gateway=gateway, holder=holder) if not gateway.is_instant else holder.owner
    checkout = gateway.open_checkout(
        CheckoutOrder(
            id=top_up.pk,
            amount=top_up.amount,
            currency=top_up.currency,
            customer=customer,
            paid_url=paid_url(top_up.pk),
            canceled_url=canceled_url(top_up.pk),
        )
    )
    _begin(top_up, checkout)
    top_up.refresh_from_db()
    return StartedTopUp(top_up.pk, top_up.page)


def top_up(*, organization_id: str, amount: int, key: str) -> int:
    """Add test money to a buyer's balance at once, whichever gateway the market has, and return its transaction.

    For demonstrations and tests; pages call `start_top_up`.

    Raises:
        Invalid, Conflict: as `start_top_up`.
    """
    sandbox = Sandbox()
    row, _ = _write_down(owner=organization_id, amount=amount, key=key, gateway=sandbox)
    if row.state == TopUpState.PENDING:
        _begin(row, Checkout(session=str(row.pk), page=None))
        row.refresh_from_db()
    assert row.transaction_id is not None
    return row.transaction_id


def book(*, id: uuid.UUID, payment: Payment) -> None:
    """Book a received payment, once. A payment that differs from the request is left to the operator.

    Raises:
        TopUp.DoesNotExist: there is no such top-up.
    """
    with transaction.atomic():
        row = TopUp.objects.select_for_update().get(pk=id)
        if row.state == TopUpState.PAID:
            return
        wrong = _mismatch(row, payment)
        row.session, row.page = row.session or payment.session, ""
        if wrong:
            row.state, row.reason = TopUpState.REVIEW, wrong
        else:
            row.state, row.reason = TopUpState.PAID, ""
            row.transaction_id = _post(row)
        row.save()


def end(*, id: uuid.UUID, session: str, state: TopUpState, reason: str) -> None:
    """Record that the payment is processing, failed or expired. An event after the payment changes nothing.

    Raises:
        TopUp.DoesNotExist: there is no such top-up.
    """
    with transaction.atomic():
        row = TopUp.objects.select_for_update().get(pk=id)
        over = {TopUpState.PAID, TopUpState.REVIEW}
        if state == TopUpState.PROCESSING:
            over |= {TopUpState.FAILED, TopUpState.EXPIRED}
        if row.state in over or row.session not in ("", session):
            return
        row.session, row.page, row.state, row.reason = session, "", state, reason
        row.save()


def _write_down(*, owner: str, amount: int, key: str, gateway: Gateway) -> tuple[TopUp, bool]:
    """The top-up of this key, and whether it is new."""
    if not gateway.smallest <= amount <= gateway.largest:
        message = f"Choose an amount from {gateway.smallest // MICRO:,} to {gateway.largest // MICRO:,}"
        raise Invalid("Nothing was charged", errors=[FieldError("amount", message)])
    if not gateway.is_instant and amount != whole_cents(amount):
        raise Invalid("Nothing was charged", errors=[FieldError("amount", "Choose an amount in whole cents")])
    row, is_new = TopUp.objects.get_or_create(
        owner=owner,
        key=key,
        defaults={"amount": amount, "currency": settings.CURRENCY, "gateway": gateway.name},
    )
    if (row.amount, row.gateway) != (amount, gateway.name):
        raise Conflict(f'"{key}" was used for another payment; use a new key')
    return row, is_new


def _begin(row: TopUp, checkout: Checkout) -> None:
    """Store the gateway's answer, unless its event came first; book a payment that is paid already."""
    if checkout.page is None:
        book(id=row.pk, payment=Payment(checkout.session, row.amount, row.currency))
        return
    TopUp.objects.filter(pk=row.pk, state=TopUpState.PENDING, session="").update(
        session=checkout.session, page=checkout.page
    )


def _post(row: TopUp) -> int:
    """Move the money in the ledger: from clearing to the buyer's prepaid balance."""
    return post(
        key=_ledger_key(row),
        kind=TransactionKind.TOP_UP,
        source=row.gateway,
        description=f"Top-up through {GATEWAY_LABELS.get(row.gateway, row.gateway)}",
        legs=[
            Leg(PLATFORM, AccountKind.CLEARING, -row.amount),
            Leg(row.owner, AccountKind.BUYER_PREPAID, row.amount),
        ],
    )


def _ledger_key(row: TopUp) -> str:
    if row.gateway == Sandbox.name:
        return f"{row.gateway}:{row.owner}:{row.key}"
    return f"{row.gateway}:{row.session}"


def _mismatch(row: TopUp, payment: Payment) -> str:
    if row.session not in ("", payment.session):
        return f"Paid through {payment.session}, while {row.session} was opened for it"
    if (payment.amount, payment.currency) != (row.amount, row.currency):
        return f"Paid {payment.amount} micro-{payment.currency}, while {row.amount} micro-{row.currency} were asked for"
    return ""
