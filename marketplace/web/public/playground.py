"""The playground's own calls: a signed-in member runs a model with their organisation's money."""

from typing import Any

import orjson
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from billing.ledger.domain import AccountKind
from billing.ledger.selectors import balance_of
from inference.domain.lifecycle import Origin, Status
from inference.links import events_path
from inference.services.admit import PriceChanged, admit
from marketplace.accounts.selectors import actor_of
from marketplace.catalog.domain import Reference
from marketplace.catalog.services import resolution
from marketplace.core.ids import short
from marketplace.core.problems import Forbidden, NotAuthenticated, NotUnderstood
from marketplace.web.access import current_membership
from marketplace.web.contracts import id_in_address


@require_POST
def run(request: HttpRequest, owner: str, name: str) -> JsonResponse:
    """Admit one prediction; answers with its id and where to follow it."""
    membership = current_membership(request)
    if membership is None:
        if request.user.is_authenticated:
            raise Forbidden("Found an organisation first: it holds the balance that runs are paid from.")
        raise NotAuthenticated("You were signed out. Sign in again; what you typed is kept in the address.")
    organization, caller = membership.organization, actor_of(membership)
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
            },
            "price_micro": target.terms.amount,
            "balance_micro": balance_of(str(organization.pk), AccountKind.BUYER_PREPAID).available,
        },
        status=201,
    )


def _body(request: HttpRequest) -> dict[str, Any]:
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        raise NotUnderstood("The form could not be read; reload the page") from None
    if not isinstance(body, dict):
        raise NotUnderstood("The form could not be read; reload the page")
    return body
