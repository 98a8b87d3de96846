"""The balance and top-ups: through a payment page, or at once if the gateway is the sandbox."""

import uuid
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from billing.gateways import current_gateway
from billing.gateways.base import AccountHolder
from billing.ledger.domain import AccountKind
from billing.ledger.selectors import balance_of
from billing.payments.domain import TopUpState
from billing.payments.selectors import top_up_for, top_ups_of
from billing.payments.services.top_ups import StartedTopUp, start_top_up
from marketplace.accounts import policy
from marketplace.accounts.policy import Action
from marketplace.core.ids import short
from marketplace.core.problems import NotFound
from marketplace.web.console.forms import TopUpForm, TopUpQuery
from marketplace.web.shared.access import MemberRequest, member_page
from marketplace.web.shared.paging import page_of
from marketplace.web.shared.statements import statement_context, transaction_context

TOP_UPS = 10


@member_page(Action.SEE_BALANCE)
def balance(request: MemberRequest) -> HttpResponse:
    """The balance and its statement; a POST starts a top-up."""
    form = TopUpForm.of(request, gateway=current_gateway())
    if form.is_bound:
        policy.check(request.actor, Action.TOP_UP)  # before the fields are checked; the service checks again
    if form.is_valid():
        started = form.attempt(_start, request, amount=form.cleaned_data["amount"], key=form.cleaned_data["key"].hex)
        if started is not None:
            return _follow(request, started)
        if form.has_error("amount"):
            form.renew_keys()  # a retry after a gateway failure may use the same key; another amount must not
    return _page(request, form)


@member_page(Action.SEE_STATEMENTS)
def top_up(request: MemberRequest, id: uuid.UUID) -> HttpResponse:
    """One top-up; the payment page returns the buyer here. For htmx, only the part that may change."""
    owner = str(request.membership.organization_id)
    found = top_up_for(owner, id)
    if found is None:
        raise NotFound("There is no such top-up")
    is_canceled = TopUpQuery.of_query(request).value("canceled", False) and found.state == TopUpState.PENDING
    context = {
        "top_up": found,
        "id": short(found.pk),
        "state": f"top_up_{found.state}",
        "is_canceled": is_canceled,
        "is_open": not is_canceled and found.state in (TopUpState.PENDING, TopUpState.PROCESSING),
        "balance": balance_of(owner, AccountKind.BUYER_PREPAID),
    }
    template = "console/_top_up.html" if request.headers.get("HX-Request") else "console/top_up.html"
    return render(request, template, context)


@member_page(Action.SEE_STATEMENTS)
def transaction(request: MemberRequest, id: int) -> HttpResponse:
    """One of the organisation's transactions, down to its entries."""
    return render(request, "console/transaction.html", transaction_context(request, id, AccountKind.BUYER_PREPAID))


def _start(request: MemberRequest, *, amount: int, key: str) -> StartedTopUp:
    organization = request.membership.organization

    def address(id: uuid.UUID) -> str:
        return f"{settings.BASE_URL}{reverse('web:console_top_up', args=[organization.slug, id])}"

    return start_top_up(
        actor=request.actor,
        holder=AccountHolder(str(organization.pk), organization.name, request.membership.user.email),
        amount=amount,
        key=key,
        paid_url=address,
        canceled_url=lambda id: f"{address(id)}?canceled=1",
    )


def _follow(request: MemberRequest, started: StartedTopUp) -> HttpResponse:
    """Redirect to the payment page, or to the result of the top-up."""
    slug = request.membership.organization.slug
    if started.page:
        return redirect(started.page)
    if not current_gateway().is_instant:
        return redirect("web:console_top_up", slug, started.id)
    messages.success(request, "The test money is on your balance.")
    return redirect("web:console_balance", slug)


def _page(request: MemberRequest, form: TopUpForm) -> HttpResponse:
    owner, gateway = str(request.membership.organization_id), current_gateway()
    context: dict[str, Any] = {
        "balance": balance_of(owner, AccountKind.BUYER_PREPAID),
        "form": form,
        "is_instant": gateway.is_instant,
    }
    if policy.allows(request.actor, Action.SEE_STATEMENTS):
        context |= _top_ups(request, owner) | statement_context(request, AccountKind.BUYER_PREPAID)
    return render(request, "console/balance.html", context, status=form.status)


def _top_ups(request: MemberRequest, owner: str) -> dict[str, Any]:
    page = page_of(request, top_ups_of(owner), key=("-id",), size=TOP_UPS, name="top-ups")
    rows = [{"top_up": found, "id": short(found.pk), "state": f"top_up_{found.state}"} for found in page]
    return {"top_ups": rows, "top_up_page": page}
