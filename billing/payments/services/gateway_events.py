"""Events of the gateway: stored as received, answered at once, processed once."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from billing.gateways import current_gateway
from billing.gateways.base import Event
from billing.payments.domain import CENT, EventState, TopUpState
from billing.payments.models import GatewayEvent, TopUp
from billing.payments.services import payees, payouts, top_ups
from marketplace.accounts import policy
from marketplace.accounts.domain import Actor
from marketplace.accounts.policy import Action
from marketplace.accounts.services import audit
from marketplace.core.events import Payload
from marketplace.core.outbox import emit
from marketplace.core.problems import NotFound

TOPIC = "gateway.event_received"


class CannotProcess(Exception):
    """A retry would not help; the message says what the operator can do."""


def receive(*, body: bytes, signature: str) -> str:
    """Store an event of the gateway and return its id; the same event again changes nothing.

    Raises:
        BadSignature: the gateway did not send it, or not just now.
        NotFound: no gateway is connected that sends events.
    """
    gateway = current_gateway()
    event = gateway.verify(body, signature)
    with transaction.atomic():
        _, is_new = GatewayEvent.objects.get_or_create(
            id=event.id, defaults={"gateway": gateway.name, "type": event.type, "body": body.decode()}
        )
        if is_new:
            emit(TOPIC, {"id": event.id})
    return event.id


def process_again(*, actor: Actor, id: str) -> None:
    """Queue a failed event for processing again.

    Raises:
        NotFound: there is no such event, it was processed, or the actor is no operator.
    """
    again = (EventState.FAILED, EventState.RETRYING, EventState.RECEIVED, EventState.IGNORED)
    with transaction.atomic():
        policy.require(actor, Action.OPERATE_RETRY_EVENT)
        event = GatewayEvent.objects.select_for_update().filter(pk=id, state__in=again).first()
        if event is None:
            raise NotFound("There is no event of this id that could be processed again")
        event.state = EventState.RECEIVED
        event.save(update_fields=["state"])
        audit.record(actor, action="gateway_event.retried", subject=id)
        emit(TOPIC, {"id": id})


def on_gateway_event_received(payloads: Sequence[Payload]) -> None:
    """The outbox's subscriber."""
    for payload in payloads:
        process(id=str(payload["id"]))


def process(*, id: str) -> None:
    """Process an event, unless that was done. Its effects and its new state are one transaction.

    Raises:
        Exception: it failed for now; the error is stored, and the event waits to be processed again.
    """
    try:
        with transaction.atomic():
            event = GatewayEvent.objects.select_for_update().get(pk=id)
            if event.state in (EventState.PROCESSED, EventState.IGNORED):
                return
            is_ours = _act(current_gateway().read(event.body))
            event.state = EventState.PROCESSED if is_ours else EventState.IGNORED
            event.attempts, event.error, event.processed_at = event.attempts + 1, "", timezone.now()
            event.save(update_fields=["state", "attempts", "error", "processed_at"])
    except CannotProcess as error:
        _note(id, EventState.FAILED, str(error))
    except Exception as error:
        _note(id, EventState.RETRYING, f"{type(error).__name__}: {error}")
        raise


@transaction.atomic
def _note(id: str, state: EventState, error: str) -> None:
    event = GatewayEvent.objects.select_for_update().get(pk=id)
    if event.state in (EventState.PROCESSED, EventState.IGNORED):
        return  # another process has processed it in the meantime
    event.state, event.error, event.attempts = state, error[:2000], event.attempts + 1
    event.save(update_fields=["state", "error", "attempts"])


def _act(event: Event) -> bool:
    """Apply the event. Returns false if its object is not this market's."""
    if action := ACTIONS.get(event.type):
        return action(event.data)
    if event.type.startswith("v2.core.account"):
        return payees.refresh_external(external_id=str(event.data.get("id", "")))
    return False


def _checkout_completed(session: Mapping[str, Any]) -> bool:
    if session.get("payment_status") == "paid":
        return _checkout_paid(session)
    return _checkout_ended(session, TopUpState.PROCESSING, "")


def _checkout_paid(session: Mapping[str, Any]) -> bool:
    if (id := _top_up_id(session)) is None:
        return False
    payment = top_ups.Payment(
        session=str(session["id"]),
        amount=int(session["amount_total"]) * CENT,
        currency=str(session["currency"]).upper(),
    )
    try:
        top_ups.book(id=id, payment=payment)
    except TopUp.DoesNotExist:
        raise CannotProcess(
            f"{payment.session} was paid for the top-up {id}, which this market does not have. If no other "
            "installation shares this Stripe account, refund the payment in Stripe."
        ) from None
    return True


def _checkout_ended(session: Mapping[str, Any], state: TopUpState, reason: str) -> bool:
    if (id := _top_up_id(session)) is None:
        return False
    try:
        top_ups.end(id=id, session=str(session["id"]), state=state, reason=reason)
    except TopUp.DoesNotExist:
        return False  # nothing was paid, so it can be ignored
    return True


def _top_up_id(session: Mapping[str, Any]) -> uuid.UUID | None:
    """The top-up that a session is for, or None where it was opened by something other than a market."""
    try:
        return uuid.UUID(str(session.get("client_reference_id")))
    except ValueError:
        return None


def _transfer_made(transfer: Mapping[str, Any]) -> bool:
    id = _payout_id(transfer)
    return id is not None and payouts.settle(id=id, transfer=str(transfer["id"]))


def _transfer_reversed(transfer: Mapping[str, Any]) -> bool:
    id = _payout_id(transfer)
    return id is not None and payouts.take_back(
        id=id, transfer=str(transfer["id"]), returned=int(transfer["amount_reversed"]) * CENT
    )


def _payout_id(transfer: Mapping[str, Any]) -> uuid.UUID | None:
    try:
        return uuid.UUID(str((transfer.get("metadata") or {}).get("payout")))
    except ValueError:
        return None


ACTIONS: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    "checkout.session.completed": _checkout_completed,
    "checkout.session.async_payment_succeeded": _checkout_paid,
    "checkout.session.async_payment_failed": lambda session: _checkout_ended(
        session, TopUpState.FAILED, "The bank did not pay"
    ),
    "checkout.session.expired": lambda session: _checkout_ended(
        session, TopUpState.EXPIRED, "The payment page was not used in time"
    ),
    "transfer.created": _transfer_made,
    "transfer.reversed": _transfer_reversed,
    "account.updated": lambda account: payees.refresh_external(external_id=str(account.get("id", ""))),
}
