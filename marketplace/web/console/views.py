"""The buyer's area: predictions, keys, balance, members."""

import json
import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from billing.ledger.domain import PLATFORM, AccountKind
from billing.ledger.selectors import statement, statement_lines, transaction_for, usage_by_hold, usage_of
from billing.pricing.domain import BASIS_POINTS
from inference.links import artifact_path, events_path, shown_input
from inference.selectors import prediction_for_buyer, predictions_for_buyer
from inference.services import cancel as cancelling
from inference.services.receipts import receipt_of
from marketplace.accounts import policy
from marketplace.accounts.domain import Role
from marketplace.accounts.policy import Action
from marketplace.accounts.selectors import actor_of, keys_of, members_of, organization_names
from marketplace.accounts.services import api_keys, members
from marketplace.accounts.services.organizations import create_organization
from marketplace.core.ids import parse_short, short
from marketplace.core.problems import FieldError, Invalid, NotFound
from marketplace.web.access import BUYING, PROVIDING, MemberRequest, current_membership, first_page, member_page
from marketplace.web.calls import code_call
from marketplace.web.links import playground_path
from marketplace.web.public.forms import chosen_values, schema_fields
from providers.selectors import version_by_id

PAGE = 30
SHOWN_DIGITS = 4


@login_required
def entrance(request: HttpRequest) -> HttpResponse:
    """`/console/`: the organisation looked at last, on its own side of the market."""
    membership = current_membership(request)
    if membership is None:
        return redirect("web:new_organization")
    pages = BUYING if membership.organization.can_buy else PROVIDING
    return redirect(first_page(actor_of(membership), pages), membership.organization.slug)


@member_page(Action.SEE_MEMBERS)
def organization_entrance(request: MemberRequest) -> HttpResponse:
    """`/console/{org}/` leads to the first page that the member may see."""
    return redirect(first_page(request.actor, BUYING), request.actor.organization_slug)


@login_required
def new_organization(request: HttpRequest) -> HttpResponse:
    values = {"name": "", "slug": "", "can_buy": True, "can_provide": False}
    errors: dict[str, str] = {}
    if request.method == "POST":
        values = {
            "name": request.POST.get("name", ""),
            "slug": request.POST.get("slug", ""),
            "can_buy": "can_buy" in request.POST,
            "can_provide": "can_provide" in request.POST,
        }
        assert request.user.is_authenticated
        try:
            organization = create_organization(
                creator=request.user,
                name=str(values["name"])[:100],
                slug=str(values["slug"]),
                can_buy=bool(values["can_buy"]),
                can_provide=bool(values["can_provide"]),
            )
        except Invalid as problem:
            errors = by_field(problem)
        else:
            side = "web:console_balance" if organization.can_buy else "web:provider_models"
            return redirect(side, organization.slug)
    return render(
        request, "console/new_organization.html", {"values": values, "errors": errors}, status=422 if errors else 200
    )


@member_page(Action.SEE_PREDICTIONS)
def predictions(request: MemberRequest) -> HttpResponse:
    cursor = parse_short(request.GET.get("before", ""))
    found = predictions_for_buyer(request.membership.organization_id, before=cursor, limit=PAGE + 1)
    rows = [_row(view) for view in found[:PAGE]]
    following = short(found[PAGE - 1].id) if len(found) > PAGE else None
    return render(
        request, "console/predictions.html", {"predictions": rows, "next": following, "first": cursor is None}
    )


@member_page(Action.SEE_PREDICTIONS)
def prediction(request: MemberRequest, id: str) -> HttpResponse:
    """One prediction; asked for by htmx, only its row of the list."""
    view = prediction_for_buyer(request.membership.organization_id, parse_short(id))
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


@require_POST
@member_page(Action.CANCEL)
def cancel(request: MemberRequest, id: str) -> HttpResponse:
    found = parse_short(id)
    if found is None:
        raise NotFound("There is no such prediction")
    cancelling.cancel(actor=request.actor, prediction_id=found)
    if request.accepts("text/html") and request.content_type != "application/json":
        return redirect("web:console_prediction", request.membership.organization.slug, id)
    return JsonResponse({"id": id})


@member_page(Action.SEE_KEYS)
def keys(request: MemberRequest) -> HttpResponse:
    errors: dict[str, str] = {}
    new_key = None
    if request.method == "POST":
        try:
            new_key = api_keys.create_key(actor=request.actor, name=request.POST.get("name", ""))
        except Invalid as problem:
            errors = by_field(problem)
    context = {
        "keys": keys_of(request.membership.organization),
        "new_key": new_key,
        "errors": errors,
    }
    response = render(request, "console/keys.html", context, status=422 if errors else 200)
    if new_key:
        response["Cache-Control"] = "no-store"  # the page holds the only copy of the key
    return response


@require_POST
@member_page(Action.REVOKE_KEY)
def revoke_key(request: MemberRequest, id: uuid.UUID) -> HttpResponse:
    api_keys.revoke_key(actor=request.actor, key_id=id)
    messages.success(request, "The key was revoked; calls with it are refused from now on.")
    return redirect("web:console_keys", request.membership.organization.slug)


@member_page(Action.SEE_STATEMENTS)
def transaction(request: MemberRequest, id: int) -> HttpResponse:
    return render(request, "console/transaction.html", transaction_context(request, id, AccountKind.BUYER_PREPAID))


@member_page(Action.SEE_MEMBERS)
def member_list(request: MemberRequest) -> HttpResponse:
    """The members' page of either side of the market."""
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            role = _role(request)
            added = members.add_member(actor=request.actor, email=request.POST.get("email", ""), role=role)
        except Invalid as problem:
            errors = by_field(problem)
        else:
            messages.success(request, f"{added.user.email} is a member now.")
            return redirect(request.path)
    context = {
        "members": members_of(request.membership.organization),
        "errors": errors,
        "email": request.POST.get("email", "") if errors else "",
        "roles": [(role.value, policy.ROLES[role]) for role in Role],
        "role": request.POST.get("role", Role.DEVELOPER),
        "side": "provider" if request.path.startswith("/provider/") else "console",
        "layout": "provider/base.html" if request.path.startswith("/provider/") else "console/base.html",
    }
    return render(request, "console/members.html", context, status=422 if errors else 200)


@require_POST
@member_page(Action.CHANGE_ROLE)
def change_role(request: MemberRequest, id: int) -> HttpResponse:
    changed = members.change_role(actor=request.actor, membership_id=id, role=_role(request))
    messages.success(request, f"{changed.user.email} is {changed.role} now.")
    return _back_to_members(request)


@require_POST
@member_page(Action.REMOVE_MEMBER)
def remove_member(request: MemberRequest, id: int) -> HttpResponse:
    members.remove_member(actor=request.actor, membership_id=id)
    messages.success(request, "The member was removed.")
    return _back_to_members(request)


def _role(request: MemberRequest) -> Role:
    """The role of the form. Raises Invalid if it is none."""
    given = request.POST.get("role", "")
    if given not in list(Role):
        raise Invalid("Nothing was changed", errors=[FieldError("role", "Choose one of the roles")])
    return Role(given)


def _back_to_members(request: MemberRequest) -> HttpResponse:
    side = "provider" if request.POST.get("side") == "provider" else "console"
    return redirect(f"web:{side}_members", request.membership.organization.slug)


def transaction_context(request: MemberRequest, transaction_id: int, kind: AccountKind) -> dict[str, Any]:
    """A transaction down to its entries, for a party of it. Raises NotFound for everybody else."""
    owner = str(request.membership.organization_id)
    found = transaction_for(owner, transaction_id)
    if found is None:
        raise NotFound("There is no such transaction")
    names = organization_names() | {PLATFORM: "The platform"}
    entries: list[dict[str, Any]] = [
        {
            "owner": names.get(entry.account.owner, entry.account.owner),
            "kind": entry.account.kind,
            "amount": entry.amount,
            "currency": entry.currency,
            "is_mine": entry.account.owner == owner,
        }
        for entry in found.entries.all()
    ]
    usage = usage_of(found.pk)
    source = found.source.partition(":")
    amount = sum(entry["amount"] for entry in entries if entry["is_mine"] and entry["kind"] == kind)
    return {
        "transaction": found,
        "entries": entries,
        "sum": sum(entry["amount"] for entry in entries),
        "amount": amount,
        "size": abs(amount),
        "usage": usage,
        "provider_share": usage.amount - usage.fee if usage else None,
        "fee_share": usage.price.fee_bps / BASIS_POINTS if usage else None,
        "prediction_url": reverse("web:console_prediction", args=[request.membership.organization.slug, source[2]])
        if source[0] == "prediction" and kind is AccountKind.BUYER_PREPAID
        else None,
    }


def statement_page(owner: str, kind: AccountKind, number: str | None) -> Any:
    """A page of the statement; its `lines` are what the template shows."""
    page = Paginator(statement(owner, kind), PAGE).get_page(number)
    page.lines = statement_lines(list(page.object_list))  # type: ignore[attr-defined]  # for the template
    return page


def by_field(problem: Invalid) -> dict[str, str]:
    """The errors of a form by the name of the field; what belongs to none is under `form`."""
    errors = problem.errors or [FieldError("form", problem.detail)]
    return {error.field: error.detail for error in errors}


def value_rows(value: Any) -> list[dict[str, Any]]:
    """An answer that is no file, as names and figures."""
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
    """The first number of an answer that is no file, short enough for a table."""
    numbers = value.values() if isinstance(value, dict) else ()
    return next((f"{number:.2f}" for number in numbers if isinstance(number, int | float)), None)


def _row(view: Any) -> dict[str, Any]:
    """A prediction as tables and pages show it."""
    return {
        "prediction": view,
        "id": short(view.id),
        "title": str(view.input.get("prompt") or view.model),
        "figure": _figure(view.value),
        "image_urls": [artifact_path(artifact.id) for artifact in view.artifacts],
        "is_final": view.status.is_final,
    }
