"""The gateway of an installation without a payment provider: test money, at once, and every page says so."""

from marketplace.core.money import MICRO

NAME = "sandbox"
IS_TEST_MONEY = True
SMALLEST, LARGEST = 1 * MICRO, 10_000 * MICRO


class PaymentDeclined(Exception):
    """The gateway did not take the money; the message says why and what to do."""


def charge(*, amount: int) -> None:
    """Take `amount` micro-units of test money.

    Raises:
        PaymentDeclined: the amount is outside of what the gateway takes.
    """
    if not SMALLEST <= amount <= LARGEST:
        raise PaymentDeclined("Choose an amount from 1 to 10,000")
