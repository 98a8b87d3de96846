"""The playground's own calls: a signed-in member runs a model with their organisation's money."""

from typing import Any

import orjson
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from billing.ledger.domain import AccountKind
from billing.ledger.selectors import balance_of
from billing.pricing.domain import PriceTerms, price_text, quantity_text
from inference.domain.lifecycle import Origin, Status
from inference.domain.rating import RatedCall
from inference.links import events_path
from inference.selectors import prediction_for_buyer
from inference.services.admit import PriceChanged, admit
from inference.services.estimates import estimate as estimate_call
from marketplace.accounts.models import Organization
from marketplace.accounts.selectors import caller_by_member
from marketplace.catalog.domain import Reference
from marketplace.catalog.services import resolution
from marketplace.core.ids import parse_short, short
from marketplace.core.money import format_amount
from marketplace.core.problems import Forbidden, NotAuthenticated, NotUnderstood
from marketplace.web.access import MemberRequest, current_membership, member_page
from marketplace.web.contracts import id_in_address


@require_POST
def run(request: HttpRequest, owner: str, name: str) -> JsonResponse:
    """Admit one prediction; answers with its id and where to follow it."""
    membership = current_membership(request)
    if membership is None:
        if request.user.is_authenticated:
            raise Forbidden("Found an organisation first: it holds the balance that runs are paid from.")
        raise NotAuthenticated("You were signed out. Sign in again; what you typed is kept in the address.")
    organization = membership.organization
    caller = caller_by_member(membership.user, organization)
    body = _body(request)
    reference = Reference(owner, name)
    try:
        target = resolution.resolve(reference)
        if body.get("contract"):
            contract = id_in_address(str(body["contract"]), what="contract")
            target = resolution.under_contract(target, contract, caller)
        prediction = admit(caller=caller, target=target, inputs=body.get("input"), origin=Origin.CONSOLE)
    except PriceChanged:
        # The snapshot may be two seconds old. A person agreed to the price they saw, so they are asked again.
        resolution.forget(reference)
        raise
    id_ = short(prediction)
    return JsonResponse(
        {
            "id": id_,
            "status": Status.STARTING,
            "urls": {
                "events": events_path(prediction),
                "get": reverse("web:console_prediction", args=[organization.slug, id_]),
                "cancel": reverse("web:console_cancel", args=[organization.slug, id_]),
                "charge": reverse("web:console_charge", args=[organization.slug, id_]),
            },
            "balance": balance_text(organization),
        },
        status=201,
    )


@require_POST
def estimate(request: HttpRequest, owner: str, name: str) -> JsonResponse:
    """What a run with the form's inputs costs at most, for anybody; fields that are still empty are no error."""
    membership = current_membership(request)
    caller = caller_by_member(membership.user, membership.organization) if membership is not None else None
    body = _body(request)
    target = resolution.resolve(Reference(owner, name))
    if body.get("contract") and caller is not None:
        contract = id_in_address(str(body["contract"]), what="contract")
        target = resolution.under_contract(target, contract, caller)
    given = body.get("input")
    rated = estimate_call(task=target.task, check=target.check, terms=target.terms, inputs=given, caller=caller)
    return JsonResponse(estimate_texts(target.terms, rated))


def estimate_texts(terms: PriceTerms, rated: RatedCall) -> dict[str, str]:
    """An estimate as the page shows it; where the inputs do not tell it yet, the price of one unit."""
    if rated.quantity is None or rated.amount is None:
        return {"price": price_text(terms.amount, terms.currency, terms.unit), "quantity": ""}
    return {
        "price": format_amount(rated.amount, terms.currency),
        # Under a price for an image or a call the number of pictures says it already.
        "quantity": "" if terms.unit.parts == 1 else quantity_text(terms.unit, rated.quantity),
    }


@member_page
def charge(request: MemberRequest, id: str) -> JsonResponse:
    """What a run cost in the end, and what of the balance is free."""
    view = prediction_for_buyer(request.membership.organization_id, parse_short(id))
    charged = format_amount(view.amount_charged or 0, view.currency)
    return JsonResponse({"charged": charged, "balance": balance_text(request.membership.organization)})


def balance_text(organization: Organization) -> str:
    """What an organisation's runs may cost until it tops up."""
    balance = balance_of(str(organization.pk), AccountKind.BUYER_PREPAID)
    return format_amount(balance.available, balance.currency)


def _body(request: HttpRequest) -> dict[str, Any]:
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        raise NotUnderstood("The form could not be read; reload the page") from None
    if not isinstance(body, dict):
        raise NotUnderstood("The form could not be read; reload the page")
    return body
