"""Stripe's double with the real database, and a market that is connected to it."""

import secrets
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from billing.gateways.base import AccountHolder
from billing.payments.services import gateway_events
from billing.payments.services.payees import onboard, refresh
from billing.payments.services.top_ups import StartedTopUp, start_top_up
from marketplace.core.models import OutboxEvent
from tests.support.doubles.stripe import StripeDouble
from tests.support.doubles.stripe.resources import set_transfers
from tests.support.doubles.stripe.store import Object, signed
from tests.support.ledger import acting_for, name

SECRET = "whsec_test"


@pytest.fixture(scope="session")
def _double() -> Iterator[StripeDouble]:
    with StripeDouble() as running:
        yield running


@dataclass
class Connected:
    """A market that is connected to the double; the double's events are delivered when the test says so."""

    double: StripeDouble
    processed: int = 0
    people: dict[str, AccountHolder] = field(default_factory=dict)

    @property
    def store(self) -> Any:
        return self.double.store

    def person(self, owner: str) -> AccountHolder:
        return AccountHolder(owner, "Acme", f"{owner}@example.com")

    def start(self, owner: str, amount: int, *, key: str | None = None) -> StartedTopUp:
        return start_top_up(
            actor=acting_for(owner),
            holder=self.person(owner),
            amount=amount,
            key=key or secrets.token_hex(8),
            paid_url=lambda id: f"https://market.example/paid/{id}",
            canceled_url=lambda id: f"https://market.example/canceled/{id}",
        )

    def session(self, id: uuid.UUID) -> Object:
        (found,) = [one for one in self.store.all("checkout.session") if one["client_reference_id"] == str(id)]
        return found

    def onboard(self, owner: str) -> Object:
        """Onboard a provider, so that Stripe accepts payouts to it."""
        urls = {"back_url": "https://market.example/back", "again_url": "https://market.example/again"}
        onboard(actor=acting_for(owner), holder=self.person(owner), country="US", **urls)
        account = next(one for one in self.store.all("v2.core.account") if one["metadata"]["organization"] == owner)
        set_transfers(self.store, account, "active")
        refresh(owner=owner)
        return account

    def receive(self, event: Object) -> None:
        body, signature = signed(event, SECRET)
        gateway_events.receive(body=body, signature=signature)

    def process_webhooks(self) -> int:
        """Receive and process all events that the double sent since the last time, and return how many."""
        events = self.store.events[self.processed :]
        self.processed += len(events)
        for event in events:
            self.receive(event)
            gateway_events.process(id=event["id"])
        return len(events)


@pytest.fixture
def stripe(_double: StripeDouble, settings: Any, database: None) -> Connected:
    settings.STRIPE_SECRET_KEY = f"sk_test_{name()}"
    settings.STRIPE_WEBHOOK_SECRET = SECRET
    settings.STRIPE_API_BASE = _double.url
    OutboxEvent.objects.all().delete()
    _double.store.faults.clear()
    _double.store.keys.clear()
    _double.store.offset = 0.0
    return Connected(_double, processed=len(_double.store.events))
