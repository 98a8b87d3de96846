"""Publishing in the browser: upload a folder as a draft, and commit it."""

import uuid

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from marketplace.accounts.policy import Action
from marketplace.web.provider.forms import CommitForm, DraftForm, FilesForm, PublishForm, PublishQuery
from marketplace.web.shared.access import MemberRequest, member_page
from providers.selectors import draft_files_sent, model_named
from providers.services.drafts import check_announced, commit_draft, discard_draft, open_draft, upload_path
from providers.validation.paths import MAX_FILES


@member_page(Action.SEE_MODELS)
def publish(request: MemberRequest) -> HttpResponse:
    """The page to choose and upload a folder; `?model=` names the model that gets a new version."""
    organization = request.membership.organization
    model = model_named(organization.slug, PublishQuery.of_query(request).value("model"))
    slug = organization.slug
    context = {
        "model": model,
        "form": PublishForm(owner=slug, model=model.name if model else ""),
        "can_provide": organization.can_provide,
        "check_url": reverse("web:provider_draft_check", args=[slug]),
        "open_url": reverse("web:provider_drafts", args=[slug]),
        "most_files": MAX_FILES,
        "publish_command": f"python manage.py publish ./weights --as {slug}/{model.name if model else 'my-model'}",
    }
    return render(request, "provider/publish.html", context)


@require_POST
@member_page(Action.COMMIT)
def check_draft(request: MemberRequest) -> JsonResponse:
    """Check whether the files that a browser is about to upload may be published. Nothing is stored."""
    check_announced(FilesForm.of_json(request).given()["files"])
    return JsonResponse({"ok": True})


@require_POST
@member_page(Action.COMMIT)
def drafts(request: MemberRequest) -> JsonResponse:
    """Open a new or unfinished draft; answers with its addresses and the files that were already sent."""
    organization, given = request.membership.organization, DraftForm.of_json(request).given()
    draft = open_draft(actor=request.actor, name=given["name"], files=given["files"])
    place = [organization.slug, draft.pk]
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
@member_page(Action.COMMIT)
def commit(request: MemberRequest, id: uuid.UUID) -> JsonResponse:
    """Make a draft the next version; answers with the address of the page that shows its checks."""
    organization, message = request.membership.organization, CommitForm.of_json(request).given()["message"]
    version = commit_draft(actor=request.actor, draft_id=id, message=message)
    place = [organization.slug, version.model.name, version.number]
    return JsonResponse({"url": reverse("web:provider_version", args=place)}, status=201)


@require_POST
@member_page(Action.COMMIT)
def discard(request: MemberRequest, id: uuid.UUID) -> JsonResponse:
    """Delete a draft."""
    discard_draft(actor=request.actor, draft_id=id)
    return JsonResponse({"ok": True})
