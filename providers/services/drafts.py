"""Uploading a folder from a browser: announce it, send its files in any order, commit. Nothing half-done is visible."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from marketplace.accounts.domain import BadSlug, check_slug
from marketplace.accounts.models import Organization, User
from marketplace.core import links
from marketplace.core.ids import short
from marketplace.core.problems import Conflict, FieldError, Invalid, NotFound
from marketplace.core.storage import StoredBlob
from providers.models import DraftFile, ModelVersion, UploadDraft
from providers.services.commit import Changes, commit, own_blob
from providers.services.publish import repository
from providers.services.repositories import require_provider
from providers.validation.paths import check_paths, is_ignored
from providers.validation.refusal import FolderRefused

DRAFT_LIFETIME = timedelta(hours=24)
MAX_DRAFTS = 20


@dataclass(frozen=True)
class Announced:
    """A file as the browser knows it; `modified` in milliseconds since 1970."""

    path: str
    size: int
    modified: int


@transaction.atomic
def open_draft(*, organization: Organization, name: str, files: Sequence[Announced], by: User) -> UploadDraft:
    """A draft for these files. What the same person has already sent of them for this name is kept.

    Whether a file is the same is told by path, size and time of change, as rsync does.

    Raises:
        FolderRefused: the name or a path breaks a rule; all that do are named.
        Forbidden: the organisation does not provide models.
        Conflict: too many uploads are open.
    """
    require_provider(organization)
    try:
        name = check_slug(name, reserved=False)
    except BadSlug as error:
        raise FolderRefused([FieldError("name", str(error))]) from error
    check_announced(files)
    wanted = {file.path: file for file in files if not is_ignored(file.path)}
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)  # openings take turns
    mine = UploadDraft.objects.filter(organization=organization, expires_at__gt=timezone.now())
    draft = mine.filter(name=name, created_by=by).first()
    if draft is None:
        if mine.count() >= MAX_DRAFTS:
            raise Conflict(f"{MAX_DRAFTS} uploads of {organization.name} are open; finish or discard one first")
        draft = UploadDraft.objects.create(
            organization=organization, name=name, created_by=by, expires_at=timezone.now() + DRAFT_LIFETIME
        )
    else:
        draft.expires_at = timezone.now() + DRAFT_LIFETIME
        draft.save(update_fields=["expires_at"])
    for file in DraftFile.objects.filter(draft=draft):
        if wanted.get(file.path) == Announced(file.path, file.size, file.modified):
            del wanted[file.path]
        else:
            file.delete()
    DraftFile.objects.bulk_create(DraftFile(draft=draft, **vars(file)) for file in wanted.values())
    return draft


def upload_path(draft: UploadDraft) -> str:
    """The signed, expiring address that takes the draft's files; it needs no session."""
    return links.sign(f"/uploads/{short(draft.pk)}", seconds=int(DRAFT_LIFETIME.total_seconds()))


@transaction.atomic
def keep_file(*, draft_id: uuid.UUID, path: str, blob: StoredBlob) -> None:
    """Record a file of a draft whose content is in the store.

    Raises:
        NotFound: the draft was committed or discarded meanwhile, or does not announce this file.
    """
    found = DraftFile.objects.select_for_update().select_related("draft__organization")
    file = found.filter(draft=draft_id, path=path, size=blob.size).first()
    if file is None:
        raise NotFound("This upload was finished or discarded")
    own_blob(organization=file.draft.organization, blob=blob)
    file.blob_id = blob.sha256
    file.save(update_fields=["blob"])


@transaction.atomic
def commit_draft(*, organization: Organization, draft_id: uuid.UUID | None, message: str, by: User) -> ModelVersion:
    """Make the draft's files the next version of its model, which is made if it is missing; the draft is gone then.

    Raises:
        NotFound: the organisation has no such draft (any more).
        Invalid: a file has not come yet; names each that has not.
    """
    draft = _own(organization, draft_id)
    files = list(DraftFile.objects.filter(draft=draft).select_related("blob"))
    if missing := [file.path for file in files if file.blob is None]:
        errors = [FieldError(path, "has not been uploaded yet") for path in missing]
        raise Invalid("Nothing was committed: the upload is not complete", errors=errors)
    model = repository(organization=organization, name=draft.name, creator=by)
    written = {file.path: StoredBlob(file.blob.sha256, file.blob.size) for file in files if file.blob is not None}
    changes = Changes(written=written, deleted_folders=frozenset({""}))
    version = commit(model=model, changes=changes, parent=None, message=message, author=by)
    draft.delete()
    return version


@transaction.atomic
def discard_draft(*, organization: Organization, draft_id: uuid.UUID | None) -> None:
    """Forget a draft. Raises NotFound if the organisation has no such draft."""
    _own(organization, draft_id).delete()


def expire_drafts() -> int:
    """Forget drafts that nobody finished within a day, and return how many."""
    expired = UploadDraft.objects.filter(expires_at__lte=timezone.now())
    return expired.delete()[1].get("providers.UploadDraft", 0)


def _own(organization: Organization, draft_id: uuid.UUID | None) -> UploadDraft:
    """The draft, locked."""
    drafts = UploadDraft.objects.select_for_update(of=("self",)).filter(expires_at__gt=timezone.now())
    draft = drafts.filter(pk=draft_id or uuid.UUID(int=0), organization=organization).first()
    if draft is None:
        raise NotFound("There is no such upload: it was finished, discarded or expired")
    return draft


def check_announced(announced: Sequence[Announced]) -> None:
    """Raises FolderRefused unless files of these paths and sizes may be published together."""
    files = {file.path: file.size for file in announced if not is_ignored(file.path)}
    errors = check_paths(files)
    total, limit = sum(files.values()), settings.MAX_VERSION_BYTES
    if total > limit:
        errors.append(FieldError(".", f"A version may have {limit:,} bytes; this folder has {total:,}"))
    if not files:
        errors.append(FieldError(".", "The folder is empty"))
    if errors:
        raise FolderRefused(errors)
