"""Payouts: deducted from what the provider is owed, sent through the outbox, settled or returned."""

import logging
import uuid
from collections.abc import Sequence

from django.conf import settings
from django.db import connection, transaction

from billing.gateways import current_gateway
from billing.gateways.base import GatewayRefused, GatewayUnavailable, TransferOrder
from billing.ledger.domain import PLATFORM, AccountKind, TransactionKind
from billing.ledger.selectors import balance_of
from billing.ledger.services.posting import Leg, post
from billing.payments.domain import CENT, GATEWAY_LABELS, PayeeState, PayoutState, whole_cents
from billing.payments.models import Payee, Payout
from marketplace.accounts import policy
from marketplace.accounts.domain import Actor
from marketplace.accounts.policy import Action
from marketplace.accounts.services import audit
from marketplace.core.events import Payload
from marketplace.core.money import format_amount
from marketplace.core.outbox import emit
from marketplace.core.problems import Conflict, FieldError, Invalid

log = logging.getLogger(__name__)
TOPIC = "payout.requested"
NO_COVER = "balance_insufficient"


def request_payout(*, actor: Actor, key: str) -> Payout:
    """Pay a provider the whole cents of what they are owed; what is smaller than a cent stays.

    Args:
        key: names the form that was sent; the same key pays once.

    Raises:
        Forbidden: as `policy.require` says.
        Conflict: the gateway does not pay this provider yet.
        Invalid: there is less to pay than the least that is paid.
    """
    gateway, owner = current_gateway(), actor.party
    with transaction.atomic(), connection.cursor() as cursor:
        # Requests of one provider are serialised, so that the second sees the balance after the first.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"payout:{owner}"])
        policy.require(actor, Action.REQUEST_PAYOUT)
        if known := Payout.objects.filter(owner=owner, key=key).first():
            return known
        payee = Payee.objects.filter(owner=owner, gateway=gateway.name).first()
        if payee is None or payee.state != PayeeState.ACTIVE:
            raise Conflict("Payouts are not set up yet; finish that first")
        amount, least = (
            whole_cents(balance_of(owner, AccountKind.PROVIDER_PAYABLE).available),
            settings.PAYOUT_MINIMUM_CENTS * CENT,
        )
        if amount < least:
            message = f"The least that is paid out is {format_amount(least, settings.CURRENCY)}"
            raise Invalid("Nothing was paid out", errors=[FieldError("form", message)])
        payout = Payout.objects.create(owner=owner, key=key, payee=payee, amount=amount, currency=settings.CURRENCY)
        _move(payout, AccountKind.PROVIDER_PAYABLE, AccountKind.PAYOUT_IN_TRANSIT, step="")
        audit.record(actor, action="payout.requested", subject=str(payout.pk), amount=amount, currency=payout.currency)
        emit(TOPIC, {"id": str(payout.pk)})
    if gateway.is_instant:
        send(id=payout.pk)
        payout.refresh_from_db()
    return payout


def on_payout_requested(payloads: Sequence[Payload]) -> None:
    """The outbox's subscriber."""
    for payload in payloads:
        send(id=uuid.UUID(payload["id"]))


def send(*, id: uuid.UUID) -> None:
    """Send a requested payout to the gateway. A repetition pays nothing more.

    Raises:
        GatewayUnavailable: whether it was paid is not known; do it again.
    """
    payout = Payout.objects.select_related("payee").get(pk=id)
    if payout.state != PayoutState.REQUESTED:
        return
    gateway = current_gateway()
    if gateway.name != payout.payee.gateway:
        raise GatewayUnavailable(f"The payout {id} goes through {payout.payee.gateway}, which is not connected now")
    try:
        # No transaction is open meanwhile: the gateway knows the payout by its id, and we by what it answers.
        transfer = gateway.transfer(
            TransferOrder(
                id=payout.pk,
                amount=payout.amount,
                currency=payout.currency,
                payee=payout.payee.external_id,
                asked_at=payout.created_at,
            )
        )
    except GatewayRefused as refusal:
        log.warning("the payout %s was refused: %s", id, refusal.detail)
        fail(id=id, reason=_for_provider(refusal))
        return
    settle(id=id, transfer=transfer)


def settle(*, id: uuid.UUID, transfer: str) -> bool:
    """Record that the gateway paid, once. Returns whether there is such a payout."""
    with transaction.atomic():
        payout = Payout.objects.select_for_update().filter(pk=id).first()
        if payout is None:
            return False
        if payout.state == PayoutState.REQUESTED:
            _move(payout, AccountKind.PAYOUT_IN_TRANSIT, AccountKind.CLEARING, step=":paid")
            payout.state, payout.transfer = PayoutState.PAID, transfer
            payout.save(update_fields=["state", "transfer"])
    return True


def fail(*, id: uuid.UUID, reason: str) -> None:
    """The gateway refused: the provider is owed the money again."""
    with transaction.atomic():
        payout = Payout.objects.select_for_update().get(pk=id)
        if payout.state != PayoutState.REQUESTED:
            return
        _move(payout, AccountKind.PAYOUT_IN_TRANSIT, AccountKind.PROVIDER_PAYABLE, step=":failed")
        payout.state, payout.reason, payout.returned = PayoutState.FAILED, reason, payout.amount
        payout.save(update_fields=["state", "reason", "returned"])


def take_back(*, id: uuid.UUID, transfer: str, returned: int) -> bool:
    """Owe the provider again what the gateway has reversed of a transfer so far: `returned` micro-units.

    Returns whether there is such a payout.
    """
    with transaction.atomic():
        if not settle(id=id, transfer=transfer):  # the event of the transfer itself may come later
            return False
        payout = Payout.objects.select_for_update().get(pk=id)
        more = min(returned, payout.amount) - payout.returned
        if payout.transfer != transfer or more <= 0:
            return True
        _move(
            payout,
            AccountKind.CLEARING,
            AccountKind.PROVIDER_PAYABLE,
            step=f":reversed:{payout.returned + more}",
            amount=more,
        )
        payout.returned += more
        payout.reason = "The transfer was taken back; the amount is owed again"
        if payout.returned == payout.amount:
            payout.state = PayoutState.REVERSED
        payout.save(update_fields=["returned", "state", "reason"])
    return True


KINDS = {
    AccountKind.PAYOUT_IN_TRANSIT: (TransactionKind.PAYOUT, "Payout"),
    AccountKind.CLEARING: (TransactionKind.PAYOUT_PAID, "Payout sent"),
    AccountKind.PROVIDER_PAYABLE: (TransactionKind.PAYOUT_RETURNED, "Payout returned"),
}


def _move(payout: Payout, source: AccountKind, target: AccountKind, *, step: str, amount: int | None = None) -> None:
    """Post one step of a payout, which has one key and so happens once."""
    amount = payout.amount if amount is None else amount
    gateway = payout.payee.gateway
    kind, description = KINDS[target]

    def owner(account: AccountKind) -> str:
        return PLATFORM if account is AccountKind.CLEARING else payout.owner

    post(
        key=f"payout:{payout.pk}{step}",
        kind=kind,
        source=f"payout:{payout.pk}",
        description=f"{description} through {GATEWAY_LABELS.get(gateway, gateway)}",
        legs=[Leg(owner(source), source, -amount), Leg(owner(target), target, amount)],
    )


def _for_provider(refusal: GatewayRefused) -> str:
    if refusal.extra.get("code") == NO_COVER:
        return "The platform's balance with the payment provider did not cover this yet; ask again later"
    return refusal.detail
