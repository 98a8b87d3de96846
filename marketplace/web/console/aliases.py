"""An organisation's aliases: its own names for models, and what each means now."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from marketplace.accounts.policy import Action
from marketplace.accounts.selectors import audit_events
from marketplace.catalog import selectors as catalog
from marketplace.catalog.services import aliases
from marketplace.core.problems import FieldError, Invalid, Problem
from marketplace.web.access import MemberRequest, member_page
from marketplace.web.console.views import by_field
from marketplace.web.public.views import example_call

SHOWN_MOVES = 6


@member_page(Action.SEE_ALIASES)
def alias_list(request: MemberRequest) -> HttpResponse:
    """All aliases, and the form for a new one."""
    values, errors = {"name": "", "target": request.GET.get("target", "")[:200]}, {}
    if request.method == "POST":
        values = {name: request.POST.get(name, "")[:200].replace("\0", "") for name in values}
        try:
            alias = aliases.create_alias(
                actor=request.actor,
                name=values["name"],
                target=values["target"],
            )
        except Problem as problem:
            errors = by_field(_on_form(problem))
        else:
            messages.success(request, f"{alias.organization.slug}/{alias.name} now means {alias.target}.")
            return redirect("web:console_aliases", request.membership.organization.slug)
    return _page(request, values=values, errors=errors)


@require_POST
@member_page(Action.MOVE_ALIAS)
def move(request: MemberRequest, name: str) -> HttpResponse:
    target = request.POST.get("target", "")[:200].replace("\0", "")
    try:
        alias = aliases.move_alias(
            actor=request.actor,
            name=name,
            target=target,
            expected=request.POST.get("expected"),
        )
    except (Invalid, aliases.AliasMoved) as problem:
        reason = problem.errors[0].detail if problem.errors else problem.detail
        return _page(request, moving={"name": name, "target": target, "error": reason})
    messages.success(request, f"{alias.organization.slug}/{alias.name} now means {alias.target}.")
    return redirect("web:console_aliases", request.membership.organization.slug)


@require_POST
@member_page(Action.DELETE_ALIAS)
def delete(request: MemberRequest, name: str) -> HttpResponse:
    organization = request.membership.organization
    aliases.delete_alias(actor=request.actor, name=name)
    messages.success(request, f"{organization.slug}/{name} means nothing any more; calls of it are refused.")
    return redirect("web:console_aliases", organization.slug)


def _page(
    request: MemberRequest,
    *,
    values: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    moving: dict[str, str] | None = None,
) -> HttpResponse:
    organization = request.membership.organization
    views = catalog.aliases_of(organization.pk)
    events = audit_events(organization, subjects=[str(view.alias.pk) for view in views])
    rows: list[dict[str, Any]] = [
        {
            "view": view,
            "alias": view.alias,
            "history": [event for event in events if event.subject == str(view.alias.pk)][:SHOWN_MOVES],
            "moving": moving if moving and moving["name"] == view.alias.name else None,
        }
        for view in views
    ]
    called = next((view for view in views if view.offer), None)
    context = {
        "rows": rows,
        "call": example_call(called.offer, called=called.slug) if called and called.offer else None,
        "targets": [offer.slug for offer in catalog.offers()],
        "values": values or {"name": "", "target": ""},
        "errors": errors or {},
    }
    return render(request, "console/aliases.html", context, status=422 if errors or moving else 200)


def _on_form(problem: Problem) -> Invalid:
    """A refusal as errors of the form's fields; a name that is taken is about the name."""
    if isinstance(problem, Invalid):
        return problem
    return Invalid(problem.detail, errors=[FieldError("name", problem.detail)])
