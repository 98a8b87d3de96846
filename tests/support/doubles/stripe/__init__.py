"""A stateful test double of the part of Stripe that the market uses, for Stripe's real SDK.

It stores customers, Checkout sessions with a page to pay on, meters and their events, accounts with a page to onboard
on, transfers, idempotency keys and webhooks. It refuses requests that the SDK's own `stripe.params` do not describe.
`python -m tests.support.doubles.stripe PORT` starts it for manual tests.
"""

from tests.support.doubles.stripe.server import StripeDouble

__all__ = ["StripeDouble"]
