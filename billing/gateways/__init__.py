"""Payment providers behind one interface. The only place that may import a provider's SDK.

Stripe if its key is set, else the sandbox, which moves test money.
"""

from functools import lru_cache

from django.conf import settings

from billing.gateways.base import Gateway
from billing.gateways.sandbox import Sandbox

__all__ = ["current_gateway"]


def current_gateway() -> Gateway:
    """The gateway of this installation."""
    if not settings.STRIPE_SECRET_KEY:
        return Sandbox()
    return _stripe(
        settings.STRIPE_SECRET_KEY,
        settings.STRIPE_WEBHOOK_SECRET,
        settings.STRIPE_API_BASE,
        settings.STRIPE_METER_EVENT_NAME,
    )


@lru_cache(maxsize=4)
def _stripe(key: str, webhook_secret: str, api_base: str, meter: str) -> Gateway:
    from billing.gateways.stripe import StripeGateway  # its SDK takes a second to import

    return StripeGateway(key=key, webhook_secret=webhook_secret, api_base=api_base, meter=meter)
