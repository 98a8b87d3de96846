"""Payouts: setting them up with the gateway, requesting one, and their states."""

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
from marketplace.accounts import policy
from marketplace.accounts.policy import Action
from marketplace.web.provider.forms import PayeeForm, PayoutForm
from marketplace.web.shared.access import MemberRequest, member_page
from marketplace.web.shared.paging import page_of

PAYOUTS = 30


@member_page(Action.SEE_PAYOUTS)
def payouts(request: MemberRequest) -> HttpResponse:
    """The page; a POST requests a payout."""
    form = PayoutForm.of(request)
    if form.is_bound:
        policy.check(request.actor, Action.REQUEST_PAYOUT)  # before the form is checked; the service checks again
    if form.is_valid():
        payout = form.attempt(request_payout, actor=request.actor, key=form.cleaned_data["key"].hex)
        if payout is not None:
            return redirect("web:provider_payouts", request.membership.organization.slug)
    return _page(request, payout_form=form)


@require_POST
@member_page(Action.ONBOARD_PAYEE)
def onboard(request: MemberRequest) -> HttpResponse:
    """Redirect to the gateway's own pages, where the provider enters their details."""
    organization = request.membership.organization
    form = PayeeForm.of(request)
    if form.is_valid():
        page = form.attempt(
            payees.onboard,
            actor=request.actor,
            holder=AccountHolder(str(organization.pk), organization.name, request.membership.user.email),
            country=form.cleaned_data["country"],
            back_url=_address(request, "web:provider_payouts_back"),
            again_url=_address(request, "web:provider_payouts_again"),
        )
        if page is not None:
            return redirect(page)
    return _page(request, payee_form=form)


@member_page(Action.SEE_PAYOUTS)
def back(request: MemberRequest) -> HttpResponse:
    """The gateway returns providers here from its pages. Reads their state, as its event may still be missing."""
    try:
        payees.refresh(owner=str(request.membership.organization_id))
    except (GatewayUnavailable, GatewayRefused) as problem:
        messages.warning(request, problem.detail)
    return redirect("web:provider_payouts", request.membership.organization.slug)


@member_page(Action.ONBOARD_PAYEE)
def again(request: MemberRequest) -> HttpResponse:
    """The gateway sends providers with an expired link here: redirect to a new one."""
    return redirect(
        payees.onboarding_page(
            actor=request.actor,
            back_url=_address(request, "web:provider_payouts_back"),
            again_url=_address(request, "web:provider_payouts_again"),
        )
    )


def _page(
    request: MemberRequest, *, payout_form: PayoutForm | None = None, payee_form: PayeeForm | None = None
) -> HttpResponse:
    """The page, with the refused form, if any."""
    owner, gateway = str(request.membership.organization_id), current_gateway()
    balance, payee = balance_of(owner, AccountKind.PROVIDER_PAYABLE), payee_of(owner, gateway.name)
    amount, least = whole_cents(balance.available), settings.PAYOUT_MINIMUM_CENTS * CENT
    is_active = payee is not None and payee.state == PayeeState.ACTIVE
    form = payee_form or payout_form or PayoutForm()
    page = page_of(request, payouts_of(owner), key=("-id",), size=PAYOUTS)
    if form.is_bound and payout_form is form:
        form.renew_keys()
    context = {
        "balance": balance,
        "in_transit": balance_of(owner, AccountKind.PAYOUT_IN_TRANSIT),
        "payee": payee,
        "payee_state": f"payee_{payee.state}" if payee else "",
        "is_active": is_active,
        "amount": amount,
        "least": least,
        "can_pay": is_active and amount >= least,
        "page": page,
        "payouts": [{"payout": payout, "state": f"payout_{payout.state}"} for payout in page],
        "is_instant": gateway.is_instant,
        "payout_form": payout_form or PayoutForm(),
        "payee_form": payee_form or PayeeForm(),
        "problems": form.non_field_errors(),
    }
    return render(request, "provider/payouts.html", context, status=form.status)


def _address(request: MemberRequest, name: str) -> str:
    return f"{settings.BASE_URL}{reverse(name, args=[request.membership.organization.slug])}"
