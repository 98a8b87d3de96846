"""The pages of an organisation's aliases: its own names for models, with their current targets."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from marketplace.accounts.policy import Action
from marketplace.accounts.selectors import newest_audit_events
from marketplace.catalog import selectors as catalog
from marketplace.catalog.services import aliases
from marketplace.web.console.forms import AliasForm, AliasQuery, MoveAliasForm
from marketplace.web.shared.access import MemberRequest, member_page
from marketplace.web.shared.cards import example_call
from marketplace.web.shared.paging import page_of

ALIASES, SHOWN_MOVES = 20, 6


@member_page(Action.SEE_ALIASES)
def alias_list(request: MemberRequest) -> HttpResponse:
    """All aliases, and the form for a new one. The query may name its model."""
    form = AliasForm.of(request, initial={"target": AliasQuery.of_query(request).value("target")})
    if form.is_valid():
        alias = form.attempt(
            aliases.create_alias,
            actor=request.actor,
            **form.cleaned_data,
        )
        if alias is not None:
            messages.success(request, f"{alias.organization.slug}/{alias.name} now points to {alias.target}.")
            return redirect("web:console_aliases", request.membership.organization.slug)
    return _page(request, form)


@require_POST
@member_page(Action.MOVE_ALIAS)
def move(request: MemberRequest, name: str) -> HttpResponse:
    """Change the target of an alias."""
    form = MoveAliasForm.of(request, auto_id=_ids(name))
    if form.is_valid():
        alias = form.attempt(
            aliases.move_alias,
            name=name,
            actor=request.actor,
            **form.cleaned_data,
        )
        if alias is not None:
            messages.success(request, f"{alias.organization.slug}/{alias.name} now points to {alias.target}.")
            return redirect("web:console_aliases", request.membership.organization.slug)
    return _page(request, AliasForm(), moving=(name, form))


@require_POST
@member_page(Action.DELETE_ALIAS)
def delete(request: MemberRequest, name: str) -> HttpResponse:
    """Delete an alias: later calls of it are refused."""
    organization = request.membership.organization
    aliases.delete_alias(actor=request.actor, name=name)
    messages.success(request, f"{organization.slug}/{name} was deleted; calls of it are refused.")
    return redirect("web:console_aliases", organization.slug)


def _page(request: MemberRequest, form: AliasForm, *, moving: tuple[str, MoveAliasForm] | None = None) -> HttpResponse:
    """The page; `moving` is an alias and its form, if a move was refused."""
    organization = request.membership.organization
    page = page_of(request, catalog.aliases_of(organization.pk), key=("name", "id"), size=ALIASES)
    views = catalog.alias_views(page.rows)
    history = newest_audit_events(organization, subjects=[str(alias.pk) for alias in page], limit=SHOWN_MOVES)
    rows: list[dict[str, Any]] = [
        {
            "view": view,
            "alias": view.alias,
            "history": history[str(view.alias.pk)],
            "form": moving[1]
            if moving and moving[0].lower() == view.alias.name
            else MoveAliasForm(initial={"expected": view.alias.target}, auto_id=_ids(view.alias.name)),
        }
        for view in views
    ]
    called = next((view for view in views if view.offer), None)
    context = {
        "page": page,
        "rows": rows,
        "call": example_call(called.offer, called=called.slug) if called and called.offer else None,
        "targets": [offer.slug for offer in catalog.offers()],
        "form": form,
    }
    return render(request, "console/aliases.html", context, status=moving[1].status if moving else form.status)


def _ids(name: str) -> str:
    """A pattern of field ids for an alias' form; the page has several such forms."""
    return f"id_{name.lower()}_%s"
