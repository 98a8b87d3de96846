"""The provider's side of outcome contracts: offers, and what came of the calls under them."""

import json
import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from billing.outcomes.models import OutcomeContract
from billing.outcomes.selectors import contract_for, contracts_for_provider, offer_for, offers_by_provider
from billing.outcomes.services import contracts as agreeing
from billing.outcomes.services.contracts import MAX_REVIEW_HOURS
from marketplace.accounts.policy import Action
from marketplace.catalog.selectors import listings_for_provider, price_of
from marketplace.catalog.services.contracts import make_offer
from marketplace.core.ids import short
from marketplace.core.money import NotAnAmount, decimal_text, parse_amount
from marketplace.core.problems import FieldError, Invalid, NotFound
from marketplace.web.access import MemberRequest, member_page
from marketplace.web.console.views import by_field
from marketplace.web.contracts import contract_context, contract_rows, id_in_address, offer_context, offer_rows

FIELDS = ("model", "buyer", "price", "review_hours", "most_unreviewed", "note")


@member_page(Action.SEE_CONTRACTS)
def contracts(request: MemberRequest) -> HttpResponse:
    provider = str(request.membership.organization_id)
    context = {
        "contracts": contract_rows(list(contracts_for_provider(provider))),
        "offers": offer_rows(list(offers_by_provider(provider)[:100])),
    }
    return render(request, "provider/contracts.html", context)


@member_page(Action.SEE_CONTRACTS)
def new_offer(request: MemberRequest) -> HttpResponse:
    """The form of an offer; with `?supersedes=` that of its next version."""
    organization = request.membership.organization
    older_id = request.POST.get("supersedes") or request.GET.get("supersedes")
    older = None
    if older_id:
        older = offer_for(str(organization.pk), id_in_address(older_id, what="offer"), as_provider=True)
    listings = list(listings_for_provider(organization.pk).filter(listed=True))
    values = {"review_hours": "72"}
    if older is not None:
        values = {
            "model": older.label.partition("/")[2],
            "buyer": json.loads(older.document)["buyer"]["name"] if older.buyer else "",
            "price": decimal_text(older.price.amount),
            "review_hours": str(older.review_hours),
            "most_unreviewed": str(older.most_unreviewed or ""),
            "note": older.note,
        }
    errors: dict[str, str] = {}
    if request.method == "POST":
        values = {name: request.POST.get(name, "")[:2_000].replace("\r\n", "\n") for name in FIELDS}
        try:
            made = _make(request, values, older.pk if older else None)
        except Invalid as problem:
            errors = by_field(problem)
        else:
            messages.success(request, "The offer is signed by you and waits for the buyer's signature.")
            return redirect("web:provider_offer", organization.slug, short(made))
    context = {
        "models": [{"name": listing.model.name, "price": price_of(listing.model_id)} for listing in listings],
        "values": values,
        "errors": errors,
        "older": older,
        "older_id": short(older.pk) if older else "",
        "longest": MAX_REVIEW_HOURS,
    }
    return render(request, "provider/new_offer.html", context, status=422 if errors else 200)


@member_page(Action.SEE_CONTRACTS)
def offer(request: MemberRequest, id: str) -> HttpResponse:
    provider = str(request.membership.organization_id)
    found = offer_for(provider, id_in_address(id, what="offer"), as_provider=True)
    signed = contract_rows(list(contracts_for_provider(provider).filter(offer=found)))
    return render(request, "provider/offer.html", offer_context(request, found) | {"contracts": signed})


@require_POST
@member_page(Action.WITHDRAW_OFFER)
def withdraw(request: MemberRequest, id: str) -> HttpResponse:
    agreeing.withdraw(actor=request.actor, offer_id=id_in_address(id, what="offer"))
    messages.success(request, "The offer cannot be signed any more. Contracts that were signed stay in force.")
    return redirect("web:provider_offer", request.membership.organization.slug, id)


@member_page(Action.SEE_CONTRACTS)
def contract(request: MemberRequest, id: str) -> HttpResponse:
    return render(request, "contracts/contract.html", contract_context(request, _own(request, id), side="provider"))


@require_POST
@member_page(Action.END_CONTRACT)
def end(request: MemberRequest, id: str) -> HttpResponse:
    agreeing.end(actor=request.actor, contract_id=_own(request, id).pk)
    messages.success(request, "The contract takes no new calls. What runs or waits for a verdict finishes under it.")
    return redirect("web:provider_contract", request.membership.organization.slug, id)


def _make(request: MemberRequest, values: dict[str, str], supersedes: uuid.UUID | None) -> uuid.UUID:
    errors, amount = [], 0
    try:
        amount = parse_amount(values["price"])
    except NotAnAmount as error:
        errors.append(FieldError("price", str(error)))
    hours = _whole(values["review_hours"])
    if hours is None:
        errors.append(FieldError("review_hours", "must be a whole number of hours"))
    limit = _whole(values["most_unreviewed"])
    if limit is None and values["most_unreviewed"].strip():
        errors.append(FieldError("most_unreviewed", "must be a whole number, or empty for no limit"))
    if errors or hours is None:
        raise Invalid("The offer was not made", errors=errors)
    made = make_offer(
        actor=request.actor,
        model=values["model"],
        buyer=values["buyer"],
        amount=amount,
        review_hours=hours,
        most_unreviewed=limit,
        note=values["note"],
        supersedes=supersedes,
    )
    return made.pk


def _whole(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _own(request: MemberRequest, id_: str) -> OutcomeContract:
    """The contract that the organisation is the provider of. Raises NotFound."""
    provider = str(request.membership.organization_id)
    found = contract_for(provider, id_in_address(id_, what="contract"))
    if found.offer.provider != provider:
        raise NotFound("There is no such contract")
    return found
