"""Access to pages: for members of the organisation in the address, or for operators. Others get a 404.

Each page names its action. Members whom `accounts.policy` does not allow it get a 403 that names the roles.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse

from marketplace.accounts import policy
from marketplace.accounts.domain import Actor
from marketplace.accounts.policy import Action
from marketplace.accounts.selectors import actor_of, membership_for, operator_of, organizations_of

if TYPE_CHECKING:
    from marketplace.accounts.models import Membership

P = ParamSpec("P")
CURRENT = "organization"  # session key: the slug of the organisation last visited


# The entry pages of each side of an organisation; a member is redirected to the first that they may see.
BUYING = (
    (Action.SEE_PREDICTIONS, "web:console_predictions"),
    (Action.SEE_BALANCE, "web:console_balance"),
    (Action.SEE_CONTRACTS, "web:console_contracts"),
)
PROVIDING = (
    (Action.SEE_MODELS, "web:provider_models"),
    (Action.SEE_CONTRACTS, "web:provider_contracts"),
)


def first_page(actor: Actor, pages: Sequence[tuple[Action, str]]) -> str:
    """The name of the first of these pages that the actor may see; every member may see the last."""
    return next(page for action, page in pages if policy.allows(actor, action))


class ActorRequest(HttpRequest):
    """A request of a signed-in person, with their actor."""

    actor: Actor


class MemberRequest(ActorRequest):
    """A request of a signed-in member for a page of their organisation."""

    membership: Membership


def member_page(
    action: Action,
) -> Callable[[Callable[Concatenate[MemberRequest, P], HttpResponse]], Callable[..., HttpResponse]]:
    """Give the view `request.membership` of the organisation called `org` in the address, and `request.actor`.

    Args:
        action: the action that the member must be allowed to do.
    """

    def decorate(view: Callable[Concatenate[MemberRequest, P], HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def checked(request: HttpRequest, org: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            assert request.user.is_authenticated
            enter(request, membership_for(request.user, org))
            request.session[CURRENT] = request.membership.organization.slug  # type: ignore[attr-defined]
            policy.check(request.actor, action)  # type: ignore[attr-defined]
            return view(request, *args, **kwargs)  # type: ignore[arg-type]

        return login_required(checked)

    return decorate


def enter(request: HttpRequest, membership: Membership) -> None:
    """Make the request a `MemberRequest`, so that the page's header shows the organisation."""
    request.membership = membership  # type: ignore[attr-defined]
    request.actor = actor_of(membership)  # type: ignore[attr-defined]


def operator_page(
    action: Action,
) -> Callable[[Callable[Concatenate[ActorRequest, P], HttpResponse]], Callable[..., HttpResponse]]:
    """Allow only operators, and give the view `request.actor`; others get a 404."""

    def decorate(view: Callable[Concatenate[ActorRequest, P], HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def checked(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            assert request.user.is_authenticated
            actor = operator_of(request.user)
            policy.check(actor, action)
            request.actor = actor  # type: ignore[attr-defined]  # this makes it an ActorRequest
            return view(request, *args, **kwargs)  # type: ignore[arg-type]  # as above

        return login_required(checked)

    return decorate


def current_membership(request: HttpRequest) -> Membership | None:
    """The signed-in person's membership for pages without an organisation: of the organisation last visited."""
    if not request.user.is_authenticated:
        return None
    slug = request.session.get(CURRENT)
    organizations = organizations_of(request.user)
    organization = (
        organizations.filter(slug=slug).first() or organizations.filter(can_buy=True).first() or organizations.first()
    )
    return membership_for(request.user, organization.slug) if organization else None
