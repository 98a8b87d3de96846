"""An organisation's aliases: its own names for models, and what each means now."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from marketplace.accounts.selectors import audit_events
from marketplace.catalog import selectors as catalog
from marketplace.catalog.services import aliases
from marketplace.core.problems import FieldError, Invalid, Problem
from marketplace.web.shared.access import MemberRequest, member_page
from marketplace.web.shared.cards import example_call
from marketplace.web.shared.forms import by_field

SHOWN_MOVES = 6


@member_page
def alias_list(request: MemberRequest) -> HttpResponse:
    """All aliases, and the form for a new one."""
    values, errors = {"name": "", "target": request.GET.get("target", "")[:200]}, {}
    if request.method == "POST":
        values = {name: request.POST.get(name, "")[:200].replace("\0", "") for name in values}
        try:
            alias = aliases.create_alias(
                organization=request.membership.organization,
                name=values["name"],
                target=values["target"],
                actor=request.membership.user,
            )
        except Problem as problem:
            errors = by_field(_on_form(problem))
        else:
            messages.success(request, f"{alias.organization.slug}/{alias.name} now means {alias.target}.")
            return redirect("web:console_aliases", request.membership.organization.slug)
    return _page(request, values=values, errors=errors)


@require_POST
@member_page
def move(request: MemberRequest, name: str) -> HttpResponse:
    target = request.POST.get("target", "")[:200].replace("\0", "")
    try:
        alias = aliases.move_alias(
            organization=request.membership.organization,
            name=name,
            target=target,
            expected=request.POST.get("expected"),
            actor=request.membership.user,
        )
    except (Invalid, aliases.AliasMoved) as problem:
        reason = problem.errors[0].detail if problem.errors else problem.detail
        return _page(request, moving={"name": name, "target": target, "error": reason})
    messages.success(request, f"{alias.organization.slug}/{alias.name} now means {alias.target}.")
    return redirect("web:console_aliases", request.membership.organization.slug)


@require_POST
@member_page
def delete(request: MemberRequest, name: str) -> HttpResponse:
    organization = request.membership.organization
    aliases.delete_alias(organization=organization, name=name, actor=request.membership.user)
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
    views = catalog.aliases_of(organization)
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
