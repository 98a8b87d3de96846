"""What every gateway can do, in the market's own words."""

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
    """402: the gateway said no, and nothing was moved."""

    status, kind, title = 402, "gateway-refused", "The payment provider refused"


class BadSignature(Problem):
    """400: an event whose sender is not the gateway, or that is too old or too new."""

    status, kind, title = 400, "bad-signature", "The event's signature is not valid"


@dataclass(frozen=True)
class AccountHolder:
    """Whom the gateway deals with: an organisation's id and name, and the address of the member who acts for it."""

    owner: str
    name: str
    email: str


@dataclass(frozen=True)
class CheckoutOrder:
    """A top-up to be paid.

    Attributes:
        id: the same order always leads to the same payment.
        amount: micro-units, whole cents.
        customer: the gateway's name of the payer.
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
    """A payment that was begun: its name at the gateway, and the page to pay on; without a page it is paid already."""

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
        payee: the gateway's name of who is paid.
        asked_at: when it was first asked for.
    """

    id: uuid.UUID
    amount: int
    currency: str
    payee: str
    asked_at: datetime


@dataclass(frozen=True)
class Usage:
    """Usage to be told, `amount` in micro-units; `id` makes telling it twice count once."""

    id: uuid.UUID
    customer: str
    amount: int
    settled_at: datetime


@dataclass(frozen=True)
class Event:
    """News from the gateway: `data` is the thing it is about, as the gateway shows it."""

    id: str
    type: str
    data: dict[str, Any] = field(default_factory=dict)


class Gateway(Protocol):
    """A payment provider. Each call may raise `GatewayUnavailable`, and `GatewayRefused` where nothing was moved."""

    name: str
    is_instant: bool  # whether everything is done when a call returns
    test_money: str  # what pages say about the money; empty where it is real
    smallest: int  # micro-units that a top-up may have
    largest: int

    def create_customer(self, holder: AccountHolder) -> str:
        """The gateway's name for a payer; the same for the same owner."""

    def open_checkout(self, order: CheckoutOrder) -> Checkout:
        """Begin a payment."""

    def create_payee(self, holder: AccountHolder, *, country: str) -> str:
        """The gateway's name for whom it will pay; the same for the same owner."""

    def payee_status(self, payee: str) -> PayeeStatus:
        """Whether it would pay them now."""

    def onboarding_page(self, payee: str, *, back_url: str, again_url: str) -> str:
        """Where a payee tells the gateway what it must know; `again_url` is for a page that was used up."""

    def transfer(self, order: TransferOrder) -> str:
        """Pay, and return the gateway's name for the movement."""

    def report_usage(self, usage: Usage) -> None:
        """Tell usage, once however often it is told."""

    def verify(self, body: bytes, signature: str) -> Event:
        """The event in a body that the gateway sent. Raises BadSignature if it did not."""

    def read(self, body: str) -> Event:
        """The event in a body that was verified when it came."""

    def set_up(self, *, webhook_url: str) -> list[str]:
        """Make what the gateway must have before it is used, and return what was found or done as lines."""
