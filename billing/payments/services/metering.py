"""Reports usage to the gateway, from the outbox: `billing_settle` writes each row with its settlement."""

import logging
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from billing.gateways import current_gateway
from billing.gateways.base import GatewayUnavailable, Usage
from billing.payments.models import UnmeteredUsage
from marketplace.core.events import Payload

log = logging.getLogger(__name__)
TOPIC = "usage.metered"
MAX_AGE = timedelta(days=35)  # Stripe takes no older events


def on_usage_metered(payloads: Sequence[Payload]) -> None:
    """The outbox's subscriber.

    Raises:
        GatewayUnavailable, GatewayRefused: not reported yet; it is retried until it is too old.
    """
    for payload in payloads:
        _report(payload)


def _report(payload: Payload) -> None:
    usage = Usage(
        id=uuid.UUID(payload["usage"]),
        customer=payload["customer"],
        amount=int(payload["amount"]),
        settled_at=datetime.fromtimestamp(int(payload["settled_at"]), UTC),
    )
    if datetime.now(UTC) - usage.settled_at >= MAX_AGE:
        _give_up(usage)
        return
    gateway = current_gateway()
    if gateway.name != payload["gateway"]:
        raise GatewayUnavailable(f"Usage of {usage.customer} goes to {payload['gateway']}, which is not connected now")
    gateway.report_usage(usage)


def _give_up(usage: Usage) -> None:
    log.error("usage %s of %s was not told in time", usage.id, usage.customer)
    reason = f"It could not be told within {MAX_AGE.days} days"
    UnmeteredUsage.objects.get_or_create(
        usage=usage.id, defaults={"customer": usage.customer, "amount": usage.amount, "reason": reason}
    )
