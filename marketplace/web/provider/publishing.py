"""Publishing in the browser: a folder is uploaded as a draft, committed, and watched while it is checked."""

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from inference.selectors import examples_of, living_nodes
from marketplace.catalog.selectors import listings_for_provider
from marketplace.core.ids import parse_short, short
from marketplace.core.problems import FieldError, Invalid, NotFound, NotUnderstood
from marketplace.web.access import MemberRequest, member_page
from marketplace.web.versions import detail_of, example_picture, profile_of
from providers.domain import CheckState, Step, VersionState
from providers.models import VersionCheck
from providers.selectors import checks_of, draft_files_sent, files_of, model_named, version_numbered
from providers.services.drafts import Announced, check_announced, commit_draft, discard_draft, open_draft, upload_path
from providers.validation.paths import MAX_FILES

MAX_SIZE_BYTES = 2**53
STEPS = {
    Step.FILES: ("Files", "Paths, weights, card, classes, licence and schema"),
    Step.LOAD: ("Load", "A node fetches the weights and loads them"),
    Step.GOLDEN: ("Golden run", "The same input and seed twice; the digests are kept"),
    Step.PROFILE: ("Profile", "Seconds by batch size, memory, operations"),
    Step.EXAMPLES: ("Examples", "Pictures for the model's page"),
}


@member_page
def entrance(request: MemberRequest) -> HttpResponse:
    """`/provider/{org}/` leads to its models."""
    return redirect("web:provider_models", request.membership.organization.slug)


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
        "most_files": MAX_FILES,
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


@member_page
def version(request: MemberRequest, name: str, number: int) -> HttpResponse:
    """A version with its checks; while they go on, the page asks for them again."""
    organization = request.membership.organization
    model = model_named(organization.slug, name)
    found = version_numbered(model, number) if model is not None else None
    if model is None or found is None:
        raise NotFound("There is no such version")
    checks = checks_of(found)
    listing = next((one for one in listings_for_provider(organization) if one.model_id == model.pk), None)
    context = {
        "model": model,
        "version": found,
        "is_checking": found.state == VersionState.CHECKING,
        "is_on_sale": listing is not None and listing.listed and listing.version_id == found.pk,
        "steps": [_step(check) for check in checks],
        "passed": sum(check.state == CheckState.PASSED for check in checks),
        "waits_for_node": _waits_for_node(checks) and not living_nodes().exists(),
        "examples": [example_picture(example) for example in examples_of(found.pk)],
        "profile": profile_of(checks),
        "golden": detail_of(checks, Step.GOLDEN),
        "load": detail_of(checks, Step.LOAD),
        "files": files_of(found),
    }
    template = "provider/_version.html" if request.headers.get("HX-Request") else "provider/version.html"
    return render(request, template, context)


def _step(check: VersionCheck) -> dict[str, Any]:
    title, explanation = STEPS[Step(check.step)]
    ended = check.ended_at - check.started_at if check.ended_at and check.started_at else None
    return {
        "name": check.step,
        "title": title,
        "explanation": explanation,
        "state": check.state,
        "detail": check.detail,
        "errors": check.errors,
        "seconds": ended.total_seconds() if ended is not None else None,
    }


def _waits_for_node(checks: list[VersionCheck]) -> bool:
    waiting = next((check for check in checks if not CheckState(check.state).is_final), None)
    return waiting is not None and waiting.step != Step.FILES and waiting.state == CheckState.WAITING


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
    if not isinstance(files, list) or len(files) > 10 * MAX_FILES:
        raise wrong
    found = []
    for file in files:
        if not isinstance(file, dict) or not isinstance(file.get("path"), str) or "\0" in file["path"]:
            raise wrong
        size, modified = file.get("size"), file.get("modified")
        if (
            not isinstance(size, int)
            or not isinstance(modified, int)
            or not (0 <= size < MAX_SIZE_BYTES and abs(modified) < MAX_SIZE_BYTES)
        ):
            raise wrong
        found.append(Announced(file["path"], size, modified))
    return found
