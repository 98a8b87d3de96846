"""Payouts: setting them up with the gateway, asking for one, and what became of each."""

import uuid

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from billing.gateways import current_gateway
from billing.gateways.base import AccountHolder, GatewayRefused, GatewayUnavailable
from billing.ledger.domain import AccountKind
from billing.ledger.selectors import balance_of
from billing.payments.domain import CENT, PayeeState, whole_cents
from billing.payments.selectors import payee_of, payouts_of
from billing.payments.services import payees
from billing.payments.services.payouts import request_payout
from marketplace.accounts.policy import Action
from marketplace.core.problems import Conflict, Invalid
from marketplace.web.access import MemberRequest, member_page
from marketplace.web.console.views import by_field

SHOWN_PAYOUTS = 50


@member_page(Action.SEE_PAYOUTS)
def payouts(request: MemberRequest) -> HttpResponse:
    """The page; a POST asks for a payout."""
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            request_payout(
                actor=request.actor, key=request.POST.get("key", "").replace("\0", "")[:64] or uuid.uuid4().hex
            )
        except Invalid as problem:
            errors = by_field(problem)
        except (Conflict, GatewayUnavailable) as problem:
            errors = {"form": problem.detail}
        else:
            return redirect("web:provider_payouts", request.membership.organization.slug)
    return _page(request, errors)


@require_POST
@member_page(Action.ONBOARD_PAYEE)
def onboard(request: MemberRequest) -> HttpResponse:
    """Off to the gateway's own pages, where the provider says who they are."""
    organization = request.membership.organization
    try:
        page = payees.onboard(
            actor=request.actor,
            holder=AccountHolder(str(organization.pk), organization.name, request.membership.user.email),
            country=request.POST.get("country", ""),
            back_url=_address(request, "web:provider_payouts_back"),
            again_url=_address(request, "web:provider_payouts_again"),
        )
    except Invalid as problem:
        return _page(request, by_field(problem))
    except (GatewayUnavailable, GatewayRefused) as problem:
        return _page(request, {"form": problem.detail})
    return redirect(page)


@member_page(Action.SEE_PAYOUTS)
def back(request: MemberRequest) -> HttpResponse:
    """Where the gateway sends providers when they have left its pages; it may not have heard its own news yet."""
    try:
        payees.refresh(owner=str(request.membership.organization_id))
    except (GatewayUnavailable, GatewayRefused) as problem:
        messages.warning(request, problem.detail)
    return redirect("web:provider_payouts", request.membership.organization.slug)


@member_page(Action.ONBOARD_PAYEE)
def again(request: MemberRequest) -> HttpResponse:
    """Where the gateway sends providers whose page was used up: on to a fresh one."""
    return redirect(
        payees.onboarding_page(
            actor=request.actor,
            back_url=_address(request, "web:provider_payouts_back"),
            again_url=_address(request, "web:provider_payouts_again"),
        )
    )


def _page(request: MemberRequest, errors: dict[str, str]) -> HttpResponse:
    owner, gateway = str(request.membership.organization_id), current_gateway()
    balance, payee = balance_of(owner, AccountKind.PROVIDER_PAYABLE), payee_of(owner, gateway.name)
    amount, least = whole_cents(balance.available), settings.PAYOUT_MINIMUM_CENTS * CENT
    is_active = payee is not None and payee.state == PayeeState.ACTIVE
    context = {
        "balance": balance,
        "in_transit": balance_of(owner, AccountKind.PAYOUT_IN_TRANSIT),
        "payee": payee,
        "payee_state": f"payee_{payee.state}" if payee else "",
        "is_active": is_active,
        "amount": amount,
        "least": least,
        "can_pay": is_active and amount >= least,
        "payouts": [
            {"payout": payout, "state": f"payout_{payout.state}"} for payout in payouts_of(owner)[:SHOWN_PAYOUTS]
        ],
        "payout_key": uuid.uuid4().hex,
        "is_instant": gateway.is_instant,
        "country": request.POST.get("country", "US"),
        "errors": errors,
    }
    return render(request, "provider/payouts.html", context, status=422 if errors else 200)


def _address(request: MemberRequest, name: str) -> str:
    return f"{settings.BASE_URL}{reverse(name, args=[request.membership.organization.slug])}"
