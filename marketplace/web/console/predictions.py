"""The pages of the organisation's predictions: the list, one prediction, and cancel."""

import json
import uuid
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from billing.ledger.selectors import usage_by_hold
from inference.links import artifact_path, events_path, shown_input
from inference.selectors import prediction_for_buyer, predictions_for_buyer
from inference.services import cancel as cancelling
from inference.services.receipts import receipt_of
from marketplace.accounts.policy import Action
from marketplace.core.ids import short
from marketplace.core.money import format_amount
from marketplace.web.console.forms import PredictionsQuery
from marketplace.web.problems import wants_json
from marketplace.web.shared.access import MemberRequest, member_page
from marketplace.web.shared.calls import code_call
from marketplace.web.shared.inputs import chosen_values, schema_fields
from marketplace.web.shared.links import playground_path
from marketplace.web.shared.pictures import Thumbnail, thumbnail
from marketplace.web.shared.statements import balance_text
from providers.selectors import version_by_id

PAGE = 30
SHOWN_DIGITS = 4


@member_page(Action.SEE_PREDICTIONS)
def predictions(request: MemberRequest) -> HttpResponse:
    """The organisation's predictions, newest first."""
    cursor = PredictionsQuery.of_query(request).value("before", None)
    found = predictions_for_buyer(request.membership.organization_id, before=cursor, limit=PAGE + 1)
    rows = [_row(view) for view in found[:PAGE]]
    following = short(found[PAGE - 1].id) if len(found) > PAGE else None
    return render(
        request, "console/predictions.html", {"predictions": rows, "next": following, "first": cursor is None}
    )


@member_page(Action.SEE_PREDICTIONS)
def prediction(request: MemberRequest, id: uuid.UUID) -> HttpResponse:
    """One prediction; for htmx, only its row of the list."""
    view = prediction_for_buyer(request.membership.organization_id, id)
    if request.headers.get("HX-Request"):
        return render(request, "console/_prediction.html", {"row": _row(view)})
    version = version_by_id(view.version)
    assert version is not None  # versions are never deleted
    fields = schema_fields(version.input_schema, shown_input(view.id, view.input))
    receipt = receipt_of(view)
    context = _row(view) | {
        "receipt": receipt,
        "receipt_json": json.dumps(receipt),
        "usage": usage_by_hold([view.id]).get(view.id),
        "events_url": events_path(view.id),
        "contract_id": short(view.contract_id) if view.contract_id else None,
        "again": playground_path(view.model, shown_input(view.id, view.input)),
        "fields": fields,
        "call": code_call(view.model, task=view.task, fields=fields, chosen=chosen_values(fields)),
        "before_urls": [field["value"] for field in fields if field["type"] == "file" and field["value"]],
        "value_rows": value_rows(view.value),
    }
    return render(request, "console/prediction.html", context)


@member_page(Action.SEE_PREDICTIONS)
def charge(request: MemberRequest, id: uuid.UUID) -> JsonResponse:
    """The amount charged for a run, and the available balance."""
    view = prediction_for_buyer(request.membership.organization_id, id)
    charged = format_amount(view.amount_charged or 0, view.currency)
    return JsonResponse({"charged": charged, "balance": balance_text(request.membership.organization)})


@require_POST
@member_page(Action.CANCEL)
def cancel(request: MemberRequest, id: uuid.UUID) -> HttpResponse:
    """Cancel a prediction that has not ended; for a script, the answer is JSON."""
    cancelling.cancel(actor=request.actor, prediction_id=id)
    if not wants_json(request):
        return redirect("web:console_prediction", request.membership.organization.slug, id)
    return JsonResponse({"id": short(id)})


def value_rows(value: Any) -> list[dict[str, Any]]:
    """The names and values of an answer that is not a file."""
    if value is None:
        return []
    parts = value.items() if isinstance(value, dict) else [("value", value)]
    return [
        {
            "label": str(name).replace("_", " ").capitalize(),
            "value": round(part, SHOWN_DIGITS) if isinstance(part, float) else part,
        }
        for name, part in parts
    ]


def _figure(value: Any) -> str | None:
    """The first number of an answer that is not a file, with two decimals; None without one."""
    numbers = value.values() if isinstance(value, dict) else ()
    return next((f"{number:.2f}" for number in numbers if isinstance(number, int | float)), None)


def _thumbnail(view: Any) -> Thumbnail | None:
    """The first picture's; None without one."""
    if not view.artifacts:
        return None
    first = view.artifacts[0]
    return thumbnail(artifact_path(first.id), width=first.width, height=first.height)


def _row(view: Any) -> dict[str, Any]:
    """A prediction's values for tables and pages."""
    return {
        "prediction": view,
        "id": short(view.id),
        "title": str(view.input.get("prompt") or view.model),
        "figure": _figure(view.value),
        "image_urls": [artifact_path(artifact.id) for artifact in view.artifacts],
        "thumbnail": _thumbnail(view),
        "is_final": view.status.is_final,
    }
