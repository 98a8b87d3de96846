"""Reads payments: top-ups, payees, payouts and gateway events."""

import uuid

from django.db.models import QuerySet

from billing.payments.domain import EventState, PayoutState, TopUpState
from billing.payments.models import GatewayEvent, Payee, Payout, TopUp, UnmeteredUsage


def top_ups_of(owner: str) -> QuerySet[TopUp]:
    """A buyer's top-ups, newest first."""
    return TopUp.objects.filter(owner=owner).order_by("-id")


def top_up_for(owner: str, top_up_id: uuid.UUID | None) -> TopUp | None:
    """A buyer's own top-up, else None."""
    return TopUp.objects.filter(owner=owner, pk=top_up_id).first() if top_up_id else None


def payee_of(owner: str, gateway: str) -> Payee | None:
    """A provider's state at a gateway, if it is onboarded."""
    return Payee.objects.filter(owner=owner, gateway=gateway).first()


def payouts_of(owner: str) -> QuerySet[Payout]:
    """A provider's payouts, newest first."""
    return Payout.objects.filter(owner=owner).order_by("-id")


def gateway_events(*, only_open: bool = False) -> QuerySet[GatewayEvent]:
    """Gateway events, newest first, for the operator; `only_open`: those that are not processed."""
    found = GatewayEvent.objects.order_by("-received_at", "-id")
    return found.exclude(state__in=[EventState.PROCESSED, EventState.IGNORED]) if only_open else found


def top_ups_to_decide() -> QuerySet[TopUp]:
    """For the operator: the top-ups that need a decision, newest first."""
    return TopUp.objects.filter(state=TopUpState.REVIEW).order_by("-id")


def payouts_not_sent() -> QuerySet[Payout]:
    """For the operator: the payouts that are in transit or failed, newest first."""
    return Payout.objects.exclude(state=PayoutState.PAID).order_by("-id")


def unmetered_usage() -> QuerySet[UnmeteredUsage]:
    """For the operator: usage that was not reported to the gateway, newest first."""
    return UnmeteredUsage.objects.order_by("-id")
