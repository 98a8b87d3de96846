"""The gateway of an installation without a payment provider: test money, at once, and every page says so."""

from billing.gateways.base import (
    AccountHolder,
    BadSignature,
    Checkout,
    CheckoutOrder,
    Event,
    PayeeStatus,
    TransferOrder,
    Usage,
)
from billing.payments.domain import PayeeState
from marketplace.core.money import MICRO
from marketplace.core.problems import NotFound


class Sandbox:
    """Accepts every payment and payout; nothing is charged."""

    name = "sandbox"
    is_instant = True
    test_money = "Test money: no payment provider is connected."
    smallest, largest = 1 * MICRO, 10_000 * MICRO

    def create_customer(self, holder: AccountHolder) -> str:
        return holder.owner

    def open_checkout(self, order: CheckoutOrder) -> Checkout:
        return Checkout(session=str(order.id), page=None)

    def create_payee(self, holder: AccountHolder, *, country: str) -> str:
        return holder.owner

    def payee_status(self, payee: str) -> PayeeStatus:
        return PayeeStatus(PayeeState.ACTIVE)

    def onboarding_page(self, payee: str, *, back_url: str, again_url: str) -> str:
        return back_url

    def transfer(self, order: TransferOrder) -> str:
        return str(order.id)

    def report_usage(self, usage: Usage) -> None:
        """The sandbox keeps no meters."""

    def verify(self, body: bytes, signature: str) -> Event:
        raise NotFound("No payment provider is connected, so none can send events")

    def read(self, body: str) -> Event:
        raise BadSignature("No payment provider is connected, so none can have sent this event")

    def set_up(self, *, webhook_url: str) -> list[str]:
        return ["No payment provider is connected: set STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET."]
