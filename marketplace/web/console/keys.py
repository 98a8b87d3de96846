"""API keys: the list, a new one, revoking one."""

import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from marketplace.accounts.domain import Role
from marketplace.accounts.selectors import keys_of
from marketplace.accounts.services import api_keys
from marketplace.core.problems import Invalid
from marketplace.web.shared.access import MemberRequest, member_page
from marketplace.web.shared.forms import by_field


@member_page
def keys(request: MemberRequest) -> HttpResponse:
    errors: dict[str, str] = {}
    new_key = None
    if request.method == "POST":
        try:
            new_key = api_keys.create_key(by=request.membership, name=request.POST.get("name", ""))
        except Invalid as problem:
            errors = by_field(problem)
    context = {
        "keys": keys_of(request.membership.organization),
        "new_key": new_key,
        "errors": errors,
        "is_owner": request.membership.role == Role.OWNER,
    }
    response = render(request, "console/keys.html", context, status=422 if errors else 200)
    if new_key:
        response["Cache-Control"] = "no-store"  # the page holds the only copy of the key
    return response


@require_POST
@member_page
def revoke_key(request: MemberRequest, id: uuid.UUID) -> HttpResponse:
    api_keys.revoke_key(by=request.membership, key_id=id)
    messages.success(request, "The key was revoked; calls with it are refused from now on.")
    return redirect("web:console_keys", request.membership.organization.slug)
