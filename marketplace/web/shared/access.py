"""Who may see a page: members of the organisation in its address, or operators. Everybody else gets a 404."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse

from marketplace.accounts.selectors import membership_for, organizations_of

if TYPE_CHECKING:
    from marketplace.accounts.models import Membership

P = ParamSpec("P")
CURRENT = "organization"  # session key: the slug of the organisation that was looked at last


class MemberRequest(HttpRequest):
    """A request of a signed-in member for a page of their organisation."""

    membership: Membership


View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def member_page(view: Callable[Concatenate[MemberRequest, P], HttpResponse]) -> Callable[..., HttpResponse]:
    """Give the view `request.membership` of the organisation called `org` in the address."""

    @wraps(view)
    def checked(request: HttpRequest, org: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        assert request.user.is_authenticated
        membership = membership_for(request.user, org)
        request.membership = membership  # type: ignore[attr-defined]  # this makes it a MemberRequest
        request.session[CURRENT] = membership.organization.slug
        return view(request, *args, **kwargs)  # type: ignore[arg-type]  # as above

    return login_required(checked)


def operator_page(view: View[P]) -> Callable[..., HttpResponse]:
    """Let operators in only; others learn nothing."""

    @wraps(view)
    def checked(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not (request.user.is_authenticated and request.user.is_operator):
            raise Http404
        return view(request, *args, **kwargs)

    return login_required(checked)


def current_membership(request: HttpRequest) -> Membership | None:
    """The signed-in person's membership that counts on pages without an organisation: the last one looked at."""
    if not request.user.is_authenticated:
        return None
    slug = request.session.get(CURRENT)
    organizations = organizations_of(request.user)
    organization = (
        organizations.filter(slug=slug).first() or organizations.filter(can_buy=True).first() or organizations.first()
    )
    return membership_for(request.user, organization.slug) if organization else None
