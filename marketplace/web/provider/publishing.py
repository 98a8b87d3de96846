"""Publishing in the browser: a folder is uploaded as a draft, and committed."""

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from marketplace.core.ids import parse_short, short
from marketplace.core.problems import FieldError, Invalid, NotUnderstood
from marketplace.web.shared.access import MemberRequest, member_page
from providers.selectors import draft_files_sent, model_named
from providers.services.drafts import Announced, check_announced, commit_draft, discard_draft, open_draft, upload_path
from providers.validation.paths import MOST_FILES

LARGEST_SIZE = 2**53


@member_page
def publish(request: MemberRequest) -> HttpResponse:
    """Choose a folder and upload it; `?model=` names the model that it is a new version of."""
    organization = request.membership.organization
    model = model_named(organization.slug, request.GET.get("model", ""))
    slug = organization.slug
    context = {
        "model": model,
        "can_provide": organization.can_provide,
        "check_url": reverse("web:provider_draft_check", args=[slug]),
        "open_url": reverse("web:provider_drafts", args=[slug]),
        "most_files": MOST_FILES,
        "publish_command": f"python manage.py publish ./weights --as {slug}/{model.name if model else 'my-model'}",
    }
    return render(request, "provider/publish.html", context)


@require_POST
@member_page
def check_draft(request: MemberRequest) -> JsonResponse:
    """Which of the files that a browser is about to upload may not be published. Nothing is stored."""
    check_announced(_announced(_body(request)))
    return JsonResponse({"ok": True})


@require_POST
@member_page
def drafts(request: MemberRequest) -> JsonResponse:
    """Open a draft, or the one that was left; answers with where its files go and which have come already."""
    organization, body = request.membership.organization, _body(request)
    name = body.get("name")
    draft = open_draft(
        organization=organization,
        name=name if isinstance(name, str) else "",
        files=_announced(body),
        by=request.membership.user,
    )
    place = [organization.slug, short(draft.pk)]
    return JsonResponse(
        {
            "upload_url": upload_path(draft),
            "commit_url": reverse("web:provider_draft_commit", args=place),
            "discard_url": reverse("web:provider_draft_discard", args=place),
            "sent": draft_files_sent(draft),
        },
        status=201,
    )


@require_POST
@member_page
def commit(request: MemberRequest, id: str) -> JsonResponse:
    """Make a draft the next version; answers with the page that shows its checks."""
    organization, message = request.membership.organization, _body(request).get("message")
    version = commit_draft(
        organization=organization,
        draft_id=parse_short(id),
        message=message if isinstance(message, str) else "",
        by=request.membership.user,
    )
    place = [organization.slug, version.model.name, version.number]
    return JsonResponse({"url": reverse("web:provider_version", args=place)}, status=201)


@require_POST
@member_page
def discard(request: MemberRequest, id: str) -> JsonResponse:
    """Forget a draft."""
    discard_draft(organization=request.membership.organization, draft_id=parse_short(id))
    return JsonResponse({"ok": True})


def _body(request: HttpRequest) -> dict[str, Any]:
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        raise NotUnderstood("The page could not be understood; reload it") from None
    if not isinstance(body, dict):
        raise NotUnderstood("The page could not be understood; reload it")
    return body


def _announced(body: dict[str, Any]) -> list[Announced]:
    """The files that a browser announces. Raises Invalid if they are none."""
    files = body.get("files")
    wrong = Invalid("The list of files cannot be read", errors=[FieldError("files", "reload the page and try again")])
    if not isinstance(files, list) or len(files) > 10 * MOST_FILES:
        raise wrong
    found = []
    for file in files:
        if not isinstance(file, dict) or not isinstance(file.get("path"), str) or "\0" in file["path"]:
            raise wrong
        size, modified = file.get("size"), file.get("modified")
        if (
            not isinstance(size, int)
            or not isinstance(modified, int)
            or not (0 <= size < LARGEST_SIZE and abs(modified) < LARGEST_SIZE)
        ):
            raise wrong
        found.append(Announced(file["path"], size, modified))
    return found
