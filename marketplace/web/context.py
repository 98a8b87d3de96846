from typing import Any

from django.conf import settings
from django.http import HttpRequest

from billing.gateways import sandbox
from marketplace.accounts.selectors import organizations_of


def site(request: HttpRequest) -> dict[str, Any]:
    """What every page shows around its content; organisations are looked up only by pages that show them."""
    user = getattr(request, "user", None)
    signed_in = user is not None and user.is_authenticated
    membership = getattr(request, "membership", None)
    return {
        "test_money": sandbox.IS_TEST_MONEY,
        "organizations": organizations_of(user) if signed_in else [],
        "organization": membership.organization if membership else None,
        "membership": membership,
        "base_url": settings.BASE_URL,
        "is_operator": signed_in and user.is_operator,
        "currency": settings.CURRENCY,
    }
