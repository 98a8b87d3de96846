from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from billing.gateways import current_gateway
from marketplace.accounts import policy
from marketplace.accounts.domain import Actor
from marketplace.accounts.policy import Action
from marketplace.accounts.selectors import organizations_of

MAX_ORGANIZATIONS = 50  # in the menu of every page


class Permissions:
    """Permissions for templates: `may.set_price` is whether the page's actor may do that."""

    def __init__(self, actor: Actor | None) -> None:
        self._actor = actor

    def __getitem__(self, action: str) -> bool:
        return self._actor is not None and policy.allows(self._actor, Action(action))


class Explanations:
    """Sentences that templates show instead of a form: `who_may.set_price` names the roles."""

    def __getitem__(self, action: str) -> str:
        return policy.who_may(Action(action))


def site(request: HttpRequest) -> dict[str, Any]:
    """The context of every page. The organisations are queried only if a page shows them."""
    user = request.user if hasattr(request, "user") else AnonymousUser()
    membership = getattr(request, "membership", None)
    return {
        "test_money": current_gateway().test_money,
        "organizations": organizations_of(user)[:MAX_ORGANIZATIONS] if user.is_authenticated else [],
        "organization": membership.organization if membership else None,
        "membership": membership,
        "may": Permissions(getattr(request, "actor", None)),
        "who_may": Explanations(),
        "base_url": settings.BASE_URL,
        "is_operator": user.is_authenticated and user.is_operator,
        "currency": settings.CURRENCY,
    }
