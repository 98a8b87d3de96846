"""The operator's view of the gateway: its events, their state, and payments that need a decision."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from billing.gateways import current_gateway
from billing.payments.selectors import gateway_events, payments_to_look_at
from billing.payments.services.gateway_events import process_again
from marketplace.accounts.policy import Action
from marketplace.accounts.selectors import organization_names
from marketplace.web.operator.forms import EventsQuery
from marketplace.web.shared.access import ActorRequest, operator_page
from marketplace.web.shared.paging import page_of

EVENTS = 30


@operator_page(Action.OPERATE_SEE_PAYMENTS)
def payments(request: ActorRequest) -> HttpResponse:
    """Events of the gateway, and top-ups, payouts and usage that need a decision."""
    only_open = EventsQuery.of_query(request).value("open", False)
    page = page_of(request, gateway_events(only_open=only_open), size=EVENTS)
    names = organization_names()
    found = payments_to_look_at()
    context = {
        "page": page,
        "events": [{"event": event, "state": f"event_{event.state}"} for event in page],
        "only_open": only_open,
        "gateway": current_gateway().name,
        "top_ups": [{"top_up": top_up, "owner": names.get(top_up.owner, top_up.owner)} for top_up in found["top_ups"]],
        "payouts": [
            {"payout": payout, "owner": names.get(payout.owner, payout.owner), "state": f"payout_{payout.state}"}
            for payout in found["payouts"]
        ],
        "unmetered": found["unmetered"],
    }
    return render(request, "operator/payments.html", context)


@require_POST
@operator_page(Action.OPERATE_RETRY_EVENT)
def again(request: ActorRequest, id: str) -> HttpResponse:
    """Process an event of the gateway again."""
    process_again(actor=request.actor, id=id)
    messages.success(request, "The event will be processed again in a moment.")
    return redirect("web:operator_payments")
