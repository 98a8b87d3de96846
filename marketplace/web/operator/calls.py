"""The operator's pages of calls, without what was asked for and what was made."""

import uuid

from django.http import HttpResponse
from django.shortcuts import redirect, render

from billing.ledger.selectors import usage_by_hold
from inference.selectors import call_for_operator, calls_for_operator
from marketplace.accounts.policy import Action
from marketplace.core.ids import parse_short, short
from marketplace.web.operator.forms import SearchQuery
from marketplace.web.shared.access import ActorRequest, operator_page
from marketplace.web.shared.paging import page_of

CALLS = 50


@operator_page(Action.OPERATE_SEE_CALLS)
def calls(request: ActorRequest) -> HttpResponse:
    """All calls, newest first; a search for an id leads to its call."""
    form = SearchQuery.of_query(request, label="Id of a call")
    text = form.value("q")
    wanted = parse_short(text) if text else None
    if wanted is not None and calls_for_operator(call_id=wanted).exists():
        return redirect("web:operator_call", wanted)
    found = calls_for_operator()
    page = page_of(request, found.none() if text else found, key=("-id",), size=CALLS)
    return render(request, "operator/calls.html", {"page": page, "form": form, "q": text})


@operator_page(Action.OPERATE_SEE_CALLS)
def call(request: ActorRequest, id: uuid.UUID) -> HttpResponse:
    """One call with its times and its money."""
    found = call_for_operator(id)
    context = {"call": found, "id": short(id), "usage": usage_by_hold([id]).get(id)}
    return render(request, "operator/call.html", context)
