"""Uploading a folder from a browser: announce it, send its files in any order, commit. Partial uploads stay hidden."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from marketplace.accounts import policy
from marketplace.accounts.domain import Actor, BadSlug, check_slug
from marketplace.accounts.policy import Action
from marketplace.accounts.services.organizations import lock_organization
from marketplace.core import links
from marketplace.core.ids import short
from marketplace.core.problems import Conflict, FieldError, Invalid, NotFound
from marketplace.core.storage import StoredBlob
from providers.models import DraftFile, ModelVersion, UploadDraft
from providers.services.commit import Changes, commit, own_blob
from providers.services.publish import repository
from providers.validation.paths import check_paths, is_ignored
from providers.validation.refusal import FolderRefused

DRAFT_LIFETIME = timedelta(hours=24)
MAX_DRAFTS = 20


@dataclass(frozen=True)
class Announced:
    """A file as the browser announces it; `modified` in milliseconds since 1970."""

    path: str
    size: int
    modified: int


@transaction.atomic
def open_draft(*, actor: Actor, name: str, files: Sequence[Announced]) -> UploadDraft:
    """A draft for these files. Files that the same person has already sent for this name are kept.

    Files are compared by path, size and time of change, as rsync does.

    Raises:
        FolderRefused: the name or paths break a rule; each is named.
        Forbidden: see `policy.require`.
        Conflict: too many uploads are open.
    """
    policy.require(actor, Action.COMMIT)
    try:
        name = check_slug(name, reserved=False)
    except BadSlug as error:
        raise FolderRefused([FieldError("name", str(error))]) from error
    check_announced(files)
    wanted = {file.path: file for file in files if not is_ignored(file.path)}
    lock_organization(actor.organization_id)  # one opening at a time
    mine = UploadDraft.objects.filter(organization=actor.organization_id, expires_at__gt=timezone.now())
    draft = mine.filter(name=name, created_by=actor.person).first()
    if draft is None:
        if mine.count() >= MAX_DRAFTS:
            raise Conflict(f"{MAX_DRAFTS} uploads of {actor.organization_slug} are open; finish or discard one first")
        draft = UploadDraft.objects.create(
            organization_id=actor.organization_id,
            name=name,
            created_by_id=actor.person,
            expires_at=timezone.now() + DRAFT_LIFETIME,
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
    own_blob(organization_id=file.draft.organization_id, blob=blob)
    file.blob_id = blob.sha256
    file.save(update_fields=["blob"])


@transaction.atomic
def commit_draft(*, actor: Actor, draft_id: uuid.UUID | None, message: str) -> ModelVersion:
    """Make the draft's files the next version of its model, and delete the draft. A missing model is created.

    Raises:
        Forbidden: see `policy.require`.
        NotFound: the organisation has no such draft, or no longer.
        Invalid: files are missing; each is named.
    """
    draft = _own(actor, draft_id)
    policy.require(actor, Action.COMMIT)
    files = list(DraftFile.objects.filter(draft=draft).select_related("blob"))
    if missing := [file.path for file in files if file.blob is None]:
        errors = [FieldError(path, "has not been uploaded yet") for path in missing]
        raise Invalid("Nothing was committed: the upload is not complete", errors=errors)
    model = repository(actor=actor, name=draft.name)
    written = {file.path: StoredBlob(file.blob.sha256, file.blob.size) for file in files if file.blob is not None}
    changes = Changes(written=written, deleted_folders=frozenset({""}))
    version = commit(actor=actor, model=model, changes=changes, parent=None, message=message)
    draft.delete()
    return version


@transaction.atomic
def discard_draft(*, actor: Actor, draft_id: uuid.UUID | None) -> None:
    """Delete a draft.

    Raises:
        Forbidden: see `policy.require`.
        NotFound: the organisation has no such draft.
    """
    policy.require(actor, Action.COMMIT)
    _own(actor, draft_id).delete()


def expire_drafts() -> int:
    """Delete drafts that were not finished within a day, and return how many."""
    expired = UploadDraft.objects.filter(expires_at__lte=timezone.now())
    return expired.delete()[1].get("providers.UploadDraft", 0)


def _own(actor: Actor, draft_id: uuid.UUID | None) -> UploadDraft:
    """The draft, locked."""
    drafts = UploadDraft.objects.select_for_update(of=("self",)).filter(expires_at__gt=timezone.now())
    draft = drafts.filter(pk=draft_id or uuid.UUID(int=0), organization=actor.organization_id).first()
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
