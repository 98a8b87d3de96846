"""The buyer's side of outcome contracts: offers to sign, contracts in force, and the reviewer's page."""

from typing import Any

import orjson
from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from billing.outcomes.models import OutcomeContract
from billing.outcomes.selectors import contract_for, contracts_for_buyer, offer_for, offers_for_buyer, tallies
from billing.outcomes.services import contracts as agreeing
from billing.pricing.domain import rate
from billing.pricing.selectors import terms_of
from inference.domain.reviews import verdict_in
from inference.links import artifact_path
from inference.selectors import predictions_under_review, reviews_of
from inference.services.review import review as give_verdict
from marketplace.accounts.selectors import caller_by_member
from marketplace.core.ids import short
from marketplace.core.money import format_amount
from marketplace.core.problems import NotFound, NotUnderstood
from marketplace.web.access import MemberRequest, member_page
from marketplace.web.contracts import contract_context, contract_rows, id_in_address, offer_context, offer_rows

MAX_SHOWN = 200  # predictions on the reviewer's page at once; the next come when it is loaded again


@member_page
def contracts(request: MemberRequest) -> HttpResponse:
    buyer = str(request.membership.organization_id)
    context = {
        "contracts": contract_rows(list(contracts_for_buyer(buyer))),
        "offers": offer_rows(list(offers_for_buyer(buyer)[:100])),
    }
    return render(request, "console/contracts.html", context)


@member_page
def offer(request: MemberRequest, id: str) -> HttpResponse:
    """An offer to read and, by an owner, to sign."""
    organization = request.membership.organization
    found = offer_for(str(organization.pk), id_in_address(id, what="offer"))
    if request.method == "POST":
        signed = agreeing.sign(
            by=request.membership, offer_id=found.pk, document_hash=request.POST.get("hash", "")[:64]
        )
        messages.success(request, "The contract is in force; calls may run under it from now on.")
        return redirect("web:console_contract", organization.slug, short(signed.pk))
    contract = contracts_for_buyer(str(organization.pk)).filter(offer=found, ended_at=None).first()
    context = offer_context(request, found) | {"contract_id": short(contract.pk) if contract else None}
    return render(request, "console/offer.html", context)


@member_page
def contract(request: MemberRequest, id: str) -> HttpResponse:
    return render(request, "contracts/contract.html", contract_context(request, _own(request, id), side="console"))


@require_POST
@member_page
def end(request: MemberRequest, id: str) -> HttpResponse:
    agreeing.end(by=request.membership, contract_id=_own(request, id).pk)
    messages.success(request, "The contract takes no new calls. What runs or waits for a verdict finishes under it.")
    return redirect("web:console_contract", request.membership.organization.slug, id)


@member_page
def review(request: MemberRequest, id: str) -> HttpResponse:
    """One picture at a time, for any member to accept or reject."""
    found = _own(request, id)
    slug = request.membership.organization.slug
    views = predictions_under_review(request.membership.organization_id, found.pk, limit=MAX_SHOWN)
    decided = reviews_of([view.id for view in views])
    items = [
        {
            "prediction": short(view.id),
            "position": position,
            "of": view.delivered,
            "url": artifact_path(artifact.id),
            "prompt": str(view.input.get("prompt") or view.model),
            "until": f"{view.review_until:%Y-%m-%d %H:%M} UTC",
        }
        for view in views
        for position, artifact in enumerate(view.artifacts[: view.delivered])
        if position not in decided[view.id]
    ]
    terms = terms_of(found.offer.price)
    context = {
        "id": id,
        "offer": found.offer,
        "price": found.offer.price,
        "items": items,
        # What accepting so many of them costs, as texts: the page itself does not calculate.
        "amounts": [format_amount(rate(terms, quantity=count), terms.currency) for count in range(len(items) + 1)],
        "tally": tallies([found.pk])[found.pk],
        "verdict_url": reverse("web:console_contract_verdict", args=[slug, id]),
    }
    return render(request, "console/review.html", context)


@require_POST
@member_page
def verdict(request: MemberRequest, id: str) -> HttpResponse:
    """A verdict from the reviewer's page; answers with where that leaves the prediction."""
    found = _own(request, id)
    body = _body(request)
    prediction = id_in_address(str(body.get("prediction", "")), what="prediction")
    position, given, reason = verdict_in(body)
    caller = caller_by_member(request.membership.user, request.membership.organization)
    done = give_verdict(caller=caller, prediction_id=prediction, position=position, verdict=given, reason=reason)
    tally = tallies([found.pk])[found.pk]
    return JsonResponse(
        {
            "verdict": done.review.verdict,
            "outcome": done.state.value,
            "accepted": tally.accepted,
            "rejected": tally.rejected,
            "charged_micro": tally.charged,
        },
        status=201 if done.is_new else 200,
    )


def _own(request: MemberRequest, id_: str) -> OutcomeContract:
    """The contract that the organisation is the buyer of. Raises NotFound."""
    buyer = str(request.membership.organization_id)
    found = contract_for(buyer, id_in_address(id_, what="contract"))
    if found.buyer != buyer:
        raise NotFound("There is no such contract")
    return found


def _body(request: MemberRequest) -> dict[str, Any]:
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise NotUnderstood("The verdict could not be read; reload the page")
    return body
