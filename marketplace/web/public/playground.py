"""The playground's own calls: a signed-in member runs a model and their organisation pays."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from billing.pricing.domain import PriceTerms, price_text, quantity_text
from inference.domain.lifecycle import Origin, Status
from inference.domain.rating import RatedCall
from inference.links import events_path
from inference.services.admit import PriceChanged, admit
from inference.services.estimates import estimate as estimate_call
from marketplace.accounts.selectors import actor_of
from marketplace.catalog.domain import Reference
from marketplace.catalog.services import resolution
from marketplace.core.ids import short
from marketplace.core.money import format_amount
from marketplace.core.problems import FieldError, Forbidden, Invalid, NotAuthenticated
from marketplace.web.public.forms import RunForm
from marketplace.web.shared.access import current_membership
from marketplace.web.shared.fields import labelled
from marketplace.web.shared.statements import balance_text

MAX_ERRORS_IN_TITLE = 3


@require_POST
def run(request: HttpRequest, owner: str, name: str) -> JsonResponse:
    """Admit one prediction; answers with its id and the addresses to follow it."""
    membership = current_membership(request)
    if membership is None:
        if request.user.is_authenticated:
            raise Forbidden("Create an organisation first: it holds the balance that runs are paid from.")
        raise NotAuthenticated("You were signed out. Sign in again; what you typed is kept in the address.")
    organization, caller = membership.organization, actor_of(membership)
    given = RunForm.of_json(request).given()
    reference = Reference(owner, name)
    target = resolution.resolve(reference)
    if given["contract"]:
        target = resolution.under_contract(target, given["contract"], caller)
    try:
        prediction = admit(caller=caller, target=target, inputs=given["input"], origin=Origin.CONSOLE)
    except PriceChanged:
        # The snapshot may be two seconds old. The person agreed to another price, so they must confirm the new one.
        resolution.forget(reference)
        raise
    except Invalid as problem:
        raise by_label(problem, target.check.schema["properties"]) from None
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
    """The maximum cost of a run with the form's inputs, for any visitor; empty fields are no error."""
    membership = current_membership(request)
    caller = actor_of(membership) if membership is not None else None
    given = RunForm.of_json(request).given()
    target = resolution.resolve(Reference(owner, name))
    if given["contract"] and caller is not None:
        target = resolution.under_contract(target, given["contract"], caller)
    inputs = given["input"]
    try:
        rated = estimate_call(task=target.task, check=target.check, terms=target.terms, inputs=inputs, caller=caller)
    except Invalid as problem:
        raise by_label(problem, target.check.schema["properties"]) from None
    return JsonResponse(estimate_texts(target.terms, rated))


def estimate_texts(terms: PriceTerms, rated: RatedCall) -> dict[str, str]:
    """An estimate as texts for the page; the price of one unit if the inputs do not determine the amount yet."""
    if rated.quantity is None or rated.amount is None:
        return {"price": price_text(terms.amount, terms.currency, terms.unit), "quantity": ""}
    return {
        "price": format_amount(rated.amount, terms.currency),
        # With a price for an image or a call, the number of pictures already tells the quantity.
        "quantity": "" if terms.unit.parts == 1 else quantity_text(terms.unit, rated.quantity),
    }


def by_label(problem: Invalid, properties: Mapping[str, Mapping[str, Any]]) -> Invalid:
    """A refusal of inputs whose errors use the page's field labels.

    Args:
        properties: the properties of the version's input schema; errors name them with the prefix `input.`.
    """
    errors = []
    for error in problem.errors:
        name = error.field.removeprefix("input.")
        label = str(properties.get(name, {}).get("title", name))
        errors.append(FieldError(error.field, labelled(label, error.detail)))
    named = "; ".join(error.detail for error in errors[:MAX_ERRORS_IN_TITLE])
    return Invalid(f"Nothing was run and nothing is charged. {named}." if named else problem.detail, errors=errors)
