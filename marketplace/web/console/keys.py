"""The page of API keys: list, create and revoke."""

import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from marketplace.accounts.policy import Action
from marketplace.accounts.selectors import keys_of
from marketplace.accounts.services import api_keys
from marketplace.web.console.forms import KeyForm
from marketplace.web.shared.access import MemberRequest, member_page
from marketplace.web.shared.paging import page_of

KEYS = 30


@member_page(Action.SEE_KEYS)
def keys(request: MemberRequest) -> HttpResponse:
    """The keys; a POST creates one, whose secret only this answer shows."""
    form = KeyForm.of(request)
    new_key = None
    if form.is_valid():
        new_key = form.attempt(api_keys.create_key, actor=request.actor, name=form.cleaned_data["name"])
    context = {
        "page": page_of(request, keys_of(request.membership.organization), key=("-created_at", "-id"), size=KEYS),
        "new_key": new_key,
        "form": KeyForm() if new_key else form,
    }
    response = render(request, "console/keys.html", context, status=form.status)
    if new_key:
        response["Cache-Control"] = "no-store"  # the page contains the only copy of the key
    return response


@require_POST
@member_page(Action.REVOKE_KEY)
def revoke_key(request: MemberRequest, id: uuid.UUID) -> HttpResponse:
    """Revoke a key permanently."""
    api_keys.revoke_key(actor=request.actor, key_id=id)
    messages.success(request, "The key was revoked; calls with it are refused from now on.")
    return redirect("web:console_keys", request.membership.organization.slug)
