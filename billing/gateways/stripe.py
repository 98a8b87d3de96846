"""Stripe: Checkout for top-ups, meter events for usage, Connect transfers for payouts.

Follows Stripe's API as the SDK pins it; `docs/runbooks/stripe.md` says how it is set up. Every call that creates
something carries an idempotency key made from our own id, so that a call whose answer was lost can be made again.
"""

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import stripe
from stripe.params.billing import MeterEventCreateParams

from billing.gateways.base import (
    AccountHolder,
    BadSignature,
    Checkout,
    CheckoutOrder,
    Event,
    GatewayRefused,
    GatewayUnavailable,
    PayeeStatus,
    TransferOrder,
    Usage,
)
from billing.payments.domain import CENT, PayeeState
from marketplace.core.money import MICRO

TIMEOUT_SECONDS = 15.0
RETRIES = 2
SIGNATURE_TOLERANCE = 300  # seconds, into the past and into the future
# Stripe forgets idempotency keys after a day; well before that, a transfer is looked for before it is made again.
KEYS_REMEMBERED = timedelta(hours=12)
DUPLICATE_EVENT = "An event already exists with identifier"
METER_NAME = "Usage of models, in micro-units"
WEBHOOK_EVENTS = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "transfer.created",
    "transfer.reversed",
    "account.updated",
)


class StripeGateway:
    """One Stripe account.

    Args:
        key: a secret or restricted key.
        webhook_secret: of the endpoint that Stripe sends events to; several, separated by commas, while one is
            replaced or where Stripe has one for each kind of payload.
        api_base: another address than Stripe's own, for a double; empty for Stripe itself.
        meter: name of the meter's events.
    """

    name = "stripe"
    is_instant = False
    smallest, largest = 1 * MICRO, 10_000 * MICRO

    def __init__(self, *, key: str, webhook_secret: str, api_base: str, meter: str) -> None:
        base = api_base.rstrip("/")
        self._client = stripe.StripeClient(
            key,
            # All four, so that with a test double no request can reach Stripe by accident.
            base_addresses={"api": base, "connect": base, "files": base, "meter_events": base} if base else None,
            max_network_retries=RETRIES,
            http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
        )
        self._webhook_secrets, self._meter = webhook_secret.split(","), meter
        is_test = key.partition("_")[2].startswith("test_")
        self.test_money = "Test money: Stripe is connected in test mode." if is_test else ""

    def create_customer(self, holder: AccountHolder) -> str:
        with _clear_errors():
            customer = self._client.v1.customers.create(
                {"name": holder.name, "email": holder.email, "metadata": {"organization": holder.owner}},
                {"idempotency_key": _key("customer", holder.owner, holder.name, holder.email)},
            )
        return customer.id

    def open_checkout(self, order: CheckoutOrder) -> Checkout:
        with _clear_errors():
            session = self._client.v1.checkout.sessions.create(
                {
                    "mode": "payment",
                    "customer": order.customer,
                    "client_reference_id": str(order.id),
                    "line_items": [
                        {
                            "quantity": 1,
                            "price_data": {
                                "currency": order.currency.lower(),
                                "unit_amount": order.amount // CENT,
                                "product_data": {"name": "Top-up of the prepaid balance"},
                            },
                        }
                    ],
                    "success_url": order.paid_url,
                    "cancel_url": order.canceled_url,
                },
                {"idempotency_key": f"top_up:{order.id}"},
            )
        if session.url is None:
            raise GatewayUnavailable("Stripe opened no page to pay on; nothing was charged. Try again")
        return Checkout(session.id, session.url)

    def create_payee(self, holder: AccountHolder, *, country: str) -> str:
        with _clear_errors():
            account = self._client.v2.core.accounts.create(
                {
                    "contact_email": holder.email,
                    "display_name": holder.name,
                    "dashboard": "express",
                    "identity": {"country": country.lower()},
                    "defaults": {
                        "responsibilities": {"fees_collector": "application", "losses_collector": "application"}
                    },
                    "configuration": {
                        "recipient": {"capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}}
                    },
                    "metadata": {"organization": holder.owner},
                },
                {"idempotency_key": _key("payee", holder.owner, holder.name, holder.email, country)},
            )
        return account.id

    def payee_status(self, payee: str) -> PayeeStatus:
        with _clear_errors():
            account = self._client.v2.core.accounts.retrieve(payee, {"include": ["configuration.recipient"]})
        recipient = account.configuration.recipient if account.configuration else None
        capabilities = recipient.capabilities if recipient else None
        balance = capabilities.stripe_balance if capabilities else None
        transfers = balance.stripe_transfers if balance else None
        if transfers is None or transfers.status == "pending":
            return PayeeStatus(PayeeState.ONBOARDING)
        if transfers.status == "active":
            return PayeeStatus(PayeeState.ACTIVE)
        codes = [detail.code for detail in transfers.status_details or []]
        if codes and all(code.startswith("requirements_") for code in codes):
            return PayeeStatus(PayeeState.ONBOARDING)
        return PayeeStatus(PayeeState.RESTRICTED, ", ".join(codes).replace("_", " ") or transfers.status)

    def onboarding_page(self, payee: str, *, back_url: str, again_url: str) -> str:
        with _clear_errors():
            link = self._client.v2.core.account_links.create(
                {
                    "account": payee,
                    "use_case": {
                        "type": "account_onboarding",
                        "account_onboarding": {
                            "refresh_url": again_url,
                            "return_url": back_url,
                        },
                    },
                }
            )
        return link.url

    def transfer(self, order: TransferOrder) -> str:
        group = f"payout:{order.id}"
        with _clear_errors():
            if datetime.now(UTC) - order.asked_at > KEYS_REMEMBERED:
                for made in self._client.v1.transfers.list({"transfer_group": group, "limit": 1}).data:
                    return made.id
            transfer = self._client.v1.transfers.create(
                {
                    "amount": order.amount // CENT,
                    "currency": order.currency.lower(),
                    "destination": order.payee,
                    "transfer_group": group,
                    "metadata": {"payout": str(order.id)},
                },
                {"idempotency_key": group},
            )
        return transfer.id

    def report_usage(self, usage: Usage) -> None:
        event: MeterEventCreateParams = {
            "event_name": self._meter,
            "identifier": f"usage:{usage.id}",
            "payload": {"stripe_customer_id": usage.customer, "value": str(usage.amount)},
            "timestamp": int(usage.settled_at.timestamp()),
        }
        try:
            with _clear_errors():
                self._client.v1.billing.meter_events.create(event)
        except GatewayRefused as refusal:
            if DUPLICATE_EVENT not in refusal.detail:
                raise

    def verify(self, body: bytes, signature: str) -> Event:
        try:
            if not any(_is_signed(body, signature, secret) for secret in self._webhook_secrets):
                raise BadSignature("The event was not signed with this endpoint's secret, or too long ago")
            # The SDK lets timestamps of the future pass; its own parser has accepted the header by now.
            signed_at = int(next(part[2:] for part in signature.split(",") if part.startswith("t=")))
        except UnicodeDecodeError as error:
            raise BadSignature("The body is not an event of Stripe's") from error
        if signed_at > time.time() + SIGNATURE_TOLERANCE:
            raise BadSignature("The event was signed in the future; compare the clocks of both sides")
        return self.read(body.decode())

    def read(self, body: str) -> Event:
        try:
            document = json.loads(body)
            id, type = str(document["id"]), str(document["type"])
            if document.get("object") == "v2.core.event":  # a thin event has the id of its object only
                return Event(id, type, dict(document.get("related_object") or {}))
            return Event(id, type, dict(document["data"]["object"]))
        except (ValueError, KeyError, TypeError) as error:
            raise BadSignature("The body is not an event of Stripe's") from error

    def set_up(self, *, webhook_url: str) -> list[str]:
        """Make the meter unless it exists, and return what was found or done as lines for a holder."""
        lines = []
        with _clear_errors():
            meters = self._client.v1.billing.meters.list({"status": "active", "limit": 100})
            if any(meter.event_name == self._meter for meter in meters.auto_paging_iter()):
                lines.append(f'The meter for "{self._meter}" is there.')
            else:
                self._client.v1.billing.meters.create(
                    {
                        "display_name": METER_NAME,
                        "event_name": self._meter,
                        "default_aggregation": {"formula": "sum"},
                        "customer_mapping": {"type": "by_id", "event_payload_key": "stripe_customer_id"},
                        "value_settings": {"event_payload_key": "value"},
                    },
                    {"idempotency_key": f"meter:{self._meter}"},
                )
                lines.append(f'The meter for "{self._meter}" was made.')
            endpoints = list(self._client.v1.webhook_endpoints.list({"limit": 100}).auto_paging_iter())
        lines += [
            f"Webhook endpoint {endpoint.id} ({endpoint.status}): {endpoint.url}, "
            f"events: {', '.join(endpoint.enabled_events)}"
            for endpoint in endpoints
        ]
        ours = [set(endpoint.enabled_events) for endpoint in endpoints if endpoint.url == webhook_url]
        if not ours:
            lines.append(f"No webhook endpoint leads here. Create one for {webhook_url} with these events:")
            lines += [f"  {event}" for event in WEBHOOK_EVENTS]
            lines.append("and set STRIPE_WEBHOOK_SECRET to its secret.")
        elif missing := [event for event in WEBHOOK_EVENTS if not any({event, "*"} & enabled for enabled in ours)]:
            lines.append(f"The endpoint lacks the events {', '.join(missing)}. Add them.")
        return lines


def _is_signed(body: bytes, signature: str, secret: str) -> bool:
    try:
        stripe.WebhookSignature.verify_header(body, signature, secret, SIGNATURE_TOLERANCE)
    except stripe.SignatureVerificationError:
        return False
    return True


@contextmanager
def _clear_errors() -> Iterator[None]:
    """Convert the SDK's exceptions to the market's, which distinguish a definite refusal from an unknown result."""
    try:
        yield
    except (stripe.InvalidRequestError, stripe.CardError) as error:
        raise GatewayRefused(_said(error), code=error.code or "") from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        raise GatewayUnavailable(f"Stripe does not accept the key of this market: {_said(error)}") from error
    except stripe.RateLimitError as error:
        raise GatewayUnavailable("Stripe is asked too much at the moment; try again", retry_after=5) from error
    except stripe.APIConnectionError as error:
        raise GatewayUnavailable("Stripe cannot be reached; nothing is lost, try again", retry_after=5) from error
    except stripe.StripeError as error:
        raise GatewayUnavailable(f"Stripe failed: {_said(error)}. Try again", retry_after=5) from error


def _key(kind: str, owner: str, *said: str) -> str:
    """An idempotency key for an object that is created once. With other parameters it is another request."""
    return f"{kind}:{owner}:{hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]}"


def _said(error: stripe.StripeError) -> str:
    return error.user_message or type(error).__name__
