from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from billing.gateways import current_gateway
from marketplace.accounts.selectors import organizations_of


def site(request: HttpRequest) -> dict[str, Any]:
    """What every page shows around its content; organisations are looked up only by pages that show them."""
    user = request.user if hasattr(request, "user") else AnonymousUser()
    membership = getattr(request, "membership", None)
    return {
        "test_money": current_gateway().test_money,
        "organizations": organizations_of(user) if user.is_authenticated else [],
        "organization": membership.organization if membership else None,
        "membership": membership,
        "base_url": settings.BASE_URL,
        "is_operator": user.is_authenticated and user.is_operator,
        "currency": settings.CURRENCY,
    }
