"""The interface of all gateways, in the market's own terms."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from billing.payments.domain import PayeeState
from marketplace.core.problems import Problem


class GatewayUnavailable(Problem):
    """503: the gateway did not answer, or not as it should. Whether it acted is not known; the same call may be made
    again under the same id."""

    status, kind, title = 503, "gateway-unavailable", "The payment provider cannot be reached"


class GatewayRefused(Problem):
    """402: the gateway refused, and no money was moved."""

    status, kind, title = 402, "gateway-refused", "The payment provider refused"


class BadSignature(Problem):
    """400: an event whose sender is not the gateway, or that is too old or too new."""

    status, kind, title = 400, "bad-signature", "The event's signature is not valid"


@dataclass(frozen=True)
class AccountHolder:
    """The gateway's counterparty: an organisation's id and name, and the e-mail address of the acting member."""

    owner: str
    name: str
    email: str


@dataclass(frozen=True)
class CheckoutOrder:
    """A top-up to be paid.

    Attributes:
        id: the same order always leads to the same payment.
        amount: micro-units, whole cents.
        customer: the gateway's id of the payer.
        paid_url: where the buyer's browser goes afterwards; `canceled_url` if they turn back.
    """

    id: uuid.UUID
    amount: int
    currency: str
    customer: str
    paid_url: str
    canceled_url: str


@dataclass(frozen=True)
class Checkout:
    """A started payment: its id at the gateway, and the page to pay on; without a page it is paid already."""

    session: str
    page: str | None


@dataclass(frozen=True)
class PayeeStatus:
    state: PayeeState
    reason: str = ""


@dataclass(frozen=True)
class TransferOrder:
    """A payout to be made.

    Attributes:
        id: the same order is never paid twice.
        amount: micro-units, whole cents.
        payee: the gateway's id of the payee.
        asked_at: when it was first requested.
    """

    id: uuid.UUID
    amount: int
    currency: str
    payee: str
    asked_at: datetime


@dataclass(frozen=True)
class Usage:
    """Usage to report, `amount` in micro-units; repeated reports with the same `id` count once."""

    id: uuid.UUID
    customer: str
    amount: int
    settled_at: datetime


@dataclass(frozen=True)
class Event:
    """An event of the gateway: `data` is its object in the gateway's form."""

    id: str
    type: str
    data: dict[str, Any] = field(default_factory=dict)


class Gateway(Protocol):
    """A payment provider. Each call may raise `GatewayUnavailable`, or `GatewayRefused` if no money was moved."""

    name: str
    is_instant: bool  # whether everything is done when a call returns
    test_money: str  # what pages say about the money; empty where it is real
    smallest: int  # micro-units that a top-up may have
    largest: int

    def create_customer(self, holder: AccountHolder) -> str:
        """The gateway's id for a payer; the same for the same owner."""

    def open_checkout(self, order: CheckoutOrder) -> Checkout:
        """Begin a payment."""

    def create_payee(self, holder: AccountHolder, *, country: str) -> str:
        """The gateway's id for a payee; the same for the same owner."""

    def payee_status(self, payee: str) -> PayeeStatus:
        """Whether the gateway accepts payouts to this payee now."""

    def onboarding_page(self, payee: str, *, back_url: str, again_url: str) -> str:
        """The URL of the gateway's onboarding page; the gateway redirects to `again_url` if the page has expired."""

    def transfer(self, order: TransferOrder) -> str:
        """Pay, and return the gateway's id of the transfer."""

    def report_usage(self, usage: Usage) -> None:
        """Report usage. Repeated reports with the same id count once."""

    def verify(self, body: bytes, signature: str) -> Event:
        """The event in a body that the gateway sent. Raises BadSignature if it did not."""

    def read(self, body: str) -> Event:
        """The event in a body that was verified when it was received."""

    def set_up(self, *, webhook_url: str) -> list[str]:
        """Create the objects that the gateway needs, and return a report as lines."""
