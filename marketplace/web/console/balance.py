"""The balance, and adding to it: through a payment page, or at once where the gateway is the sandbox."""

import uuid

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from billing.gateways import current_gateway
from billing.gateways.base import AccountHolder, GatewayRefused, GatewayUnavailable
from billing.ledger.domain import AccountKind
from billing.ledger.selectors import balance_of
from billing.payments.domain import TopUpState
from billing.payments.selectors import top_up_for, top_ups_of
from billing.payments.services.top_ups import StartedTopUp, start_top_up
from marketplace.accounts import policy
from marketplace.accounts.policy import Action
from marketplace.core.ids import parse_short, short
from marketplace.core.money import MICRO, NotAnAmount, parse_amount
from marketplace.core.problems import Conflict, Invalid, NotFound
from marketplace.web.access import MemberRequest, member_page
from marketplace.web.console.views import by_field, statement_page

SHOWN_TOP_UPS = 10


@member_page(Action.SEE_BALANCE)
def balance(request: MemberRequest) -> HttpResponse:
    owner, slug = str(request.membership.organization_id), request.membership.organization.slug
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            started = _start(request)
        except NotAnAmount as error:
            errors = {"amount": str(error)}
        except Conflict:
            errors = {"amount": "This form was sent before with another amount. Check the statement, then try again."}
        except Invalid as problem:
            errors = by_field(problem)
        except (GatewayUnavailable, GatewayRefused) as problem:
            errors = {"form": problem.detail}
        else:
            if started.page:
                return redirect(started.page)
            if not current_gateway().is_instant:
                return redirect("web:console_top_up", slug, short(started.id))
            messages.success(request, "The test money is on your balance.")
            return redirect("web:console_balance", slug)
    gateway, sees_statements = current_gateway(), policy.allows(request.actor, Action.SEE_STATEMENTS)
    context = {
        "balance": balance_of(owner, AccountKind.BUYER_PREPAID),
        "page": statement_page(owner, AccountKind.BUYER_PREPAID, request.GET.get("page")) if sees_statements else None,
        "top_ups": [
            {"top_up": found, "id": short(found.pk), "state": f"top_up_{found.state}"}
            for found in (top_ups_of(owner)[:SHOWN_TOP_UPS] if sees_statements else ())
        ],
        "errors": errors,
        "amount": request.POST.get("amount", "25"),
        "smallest": gateway.smallest // MICRO,
        "largest": gateway.largest // MICRO,
        "is_instant": gateway.is_instant,
        # Kept where the form failed, so that sending it again asks for the same payment.
        "payment_key": request.POST.get("key", "")[:64] if "form" in errors else uuid.uuid4().hex,
    }
    return render(request, "console/balance.html", context, status=422 if errors else 200)


@member_page(Action.SEE_STATEMENTS)
def top_up(request: MemberRequest, id: str) -> HttpResponse:
    """One top-up: where the buyer comes back to from the payment page. Asked for by htmx, only what may change."""
    owner = str(request.membership.organization_id)
    found = top_up_for(owner, parse_short(id))
    if found is None:
        raise NotFound("There is no such top-up")
    is_canceled = "canceled" in request.GET and found.state == TopUpState.PENDING
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


def _start(request: MemberRequest) -> StartedTopUp:
    organization = request.membership.organization

    def address(id: uuid.UUID) -> str:
        return f"{settings.BASE_URL}{reverse('web:console_top_up', args=[organization.slug, short(id)])}"

    return start_top_up(
        actor=request.actor,
        holder=AccountHolder(str(organization.pk), organization.name, request.membership.user.email),
        amount=parse_amount(request.POST.get("amount", "")),
        key=request.POST.get("key", "").replace("\0", "")[:64] or uuid.uuid4().hex,
        paid_url=address,
        canceled_url=lambda id: f"{address(id)}?canceled=1",
    )
