"""The operator's view of the gateway: its events, their state, and payments that need a decision."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from billing.gateways import current_gateway
from billing.payments.selectors import gateway_events, payouts_not_sent, top_ups_to_decide, unmetered_usage
from billing.payments.services.gateway_events import process_again
from marketplace.accounts.policy import Action
from marketplace.accounts.selectors import organization_names
from marketplace.web.operator.forms import EventsQuery
from marketplace.web.shared.access import ActorRequest, operator_page
from marketplace.web.shared.paging import page_of

EVENTS, OPEN = 30, 20


@operator_page(Action.OPERATE_SEE_PAYMENTS)
def payments(request: ActorRequest) -> HttpResponse:
    """Events of the gateway, and top-ups, payouts and usage that need a decision."""
    only_open = EventsQuery.of_query(request).value("open", False)
    page = page_of(request, gateway_events(only_open=only_open), key=("-received_at", "-id"), size=EVENTS)
    top_ups = page_of(request, top_ups_to_decide(), key=("-id",), size=OPEN, name="top-ups")
    payouts = page_of(request, payouts_not_sent(), key=("-id",), size=OPEN, name="payouts")
    unmetered = page_of(request, unmetered_usage(), key=("-id",), size=OPEN, name="unmetered")
    names = organization_names(one.owner for one in (*top_ups, *payouts))
    context = {
        "page": page,
        "events": [{"event": event, "state": f"event_{event.state}"} for event in page],
        "only_open": only_open,
        "gateway": current_gateway().name,
        "top_up_page": top_ups,
        "top_ups": [{"top_up": top_up, "owner": names.get(top_up.owner, top_up.owner)} for top_up in top_ups],
        "payout_page": payouts,
        "payouts": [
            {"payout": payout, "owner": names.get(payout.owner, payout.owner), "state": f"payout_{payout.state}"}
            for payout in payouts
        ],
        "unmetered": unmetered,
    }
    return render(request, "operator/payments.html", context)


@require_POST
@operator_page(Action.OPERATE_RETRY_EVENT)
def again(request: ActorRequest, id: str) -> HttpResponse:
    """Process an event of the gateway again."""
    process_again(actor=request.actor, id=id)
    messages.success(request, "The event will be processed again in a moment.")
    return redirect("web:operator_payments")
