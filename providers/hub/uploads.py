"""Uploads of large files: announcing one reserves upload quota; it is finished once its digest was verified.

Answers never reveal other organisations' files: a file that only another organisation has must be uploaded.
"""

import hashlib
import re
import secrets
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Sum
from django.utils import timezone

from marketplace.accounts import policy
from marketplace.accounts.domain import Actor
from marketplace.accounts.policy import Action
from marketplace.accounts.selectors import is_live_key
from marketplace.accounts.services.organizations import lock_organization
from marketplace.core.ids import short
from marketplace.core.problems import Forbidden, Invalid, NotUnderstood, TooLarge
from marketplace.core.storage import CHUNK, BlobMissing, StoredBlob, blob_store
from providers.hub import lfs
from providers.hub.lfs import Announced
from providers.models import LfsPart, LfsUpload, NamespaceBlob, VersionFile
from providers.selectors import owned_blobs
from providers.services.commit import own_blob

LINK_SECONDS = 24 * 3600
LIFE = timedelta(seconds=LINK_SECONDS + 3600)
DRAFT_SECONDS = 24 * 3600.0
ETAG = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True)
class Plan:
    """The outcome for an announced file: it is present, refused, or `upload` waits for its content."""

    announced: Announced
    upload: uuid.UUID | None = None
    refusal: TooLarge | None = None


@transaction.atomic
def announce(*, actor: Actor, objects: Sequence[Announced]) -> list[Plan]:
    """Reserve upload quota for files that the organisation does not have. A file announced before keeps its upload.

    Raises:
        Forbidden: as `policy.require` says.
    """
    organization = actor.organization_id
    lock_organization(organization)  # reservations take turns
    policy.require(actor, Action.COMMIT)
    present = owned_blobs(organization, [one.sha256 for one in objects])
    used = upload_quota_used(organization)
    plans: list[Plan] = []
    for one in {one.sha256: one for one in objects}.values():
        if present.get(one.sha256) == one.size:
            plans.append(Plan(one))
        elif one.size > lfs.MAX_FILE_BYTES:
            detail = f"A file may have {lfs.MAX_FILE_BYTES} bytes; save the model with a smaller max_shard_size."
            plans.append(Plan(one, refusal=TooLarge(detail)))
        else:
            upload, needed = _existing_upload(organization, one)
            if used + needed > settings.UPLOAD_QUOTA_BYTES:
                plans.append(Plan(one, refusal=over_upload_quota(used)))
                continue
            used += needed
            plans.append(Plan(one, upload=_reserve(organization, one, upload)))
    return plans


def _existing_upload(organization: uuid.UUID, one: Announced) -> tuple[LfsUpload | None, int]:
    """The existing upload of this file, and how many bytes to reserve for it."""
    upload = LfsUpload.objects.filter(organization=organization, sha256=one.sha256).first()
    if upload is None:
        return None, one.size
    counted = upload.finished_at is None and upload.expires_at > timezone.now()
    return upload, one.size - upload.size if counted else one.size


def _reserve(organization: uuid.UUID, one: Announced, upload: LfsUpload | None) -> uuid.UUID:
    if upload is None or upload.size != one.size:  # the announced size has changed: a new upload with a new link
        if upload is not None:
            _drop(upload)
        upload = LfsUpload(organization_id=organization, sha256=one.sha256, size=one.size)
    upload.finished_at = None
    upload.expires_at = timezone.now() + LIFE
    upload.save()
    return upload.pk


def upload_quota_used(organization: uuid.UUID) -> int:
    """Bytes that the organisation has announced or uploaded and that no version uses."""
    announced = LfsUpload.objects.filter(organization=organization, finished_at=None, expires_at__gt=timezone.now())
    named = VersionFile.objects.filter(blob=OuterRef("blob"), version__model__organization=organization)
    unused = NamespaceBlob.objects.filter(~Exists(named), organization=organization)
    waiting = announced.aggregate(total=Sum("size"))["total"] or 0
    return int(waiting) + int(unused.aggregate(total=Sum("blob__size"))["total"] or 0)


def require_upload_quota(*, used: int, size: int) -> None:
    """Raises TooLarge if `size` more bytes exceed the upload quota, of which `used` bytes are used."""
    if used + size > settings.UPLOAD_QUOTA_BYTES:
        raise over_upload_quota(used)


def over_upload_quota(used: int) -> TooLarge:
    """The refusal of an upload beyond the quota; `used` in bytes."""
    return TooLarge(
        f"{used} bytes of your organisation wait for a commit, and {settings.UPLOAD_QUOTA_BYTES} may. Commit the files "
        "that you have uploaded, or wait until abandoned uploads expire after a day."
    )


def upload_by_link(upload_id: uuid.UUID, key_id: uuid.UUID) -> LfsUpload:
    """The upload that a signed link is for.

    Raises:
        Forbidden: it has expired, or the key that requested the link was revoked.
    """
    upload = (
        LfsUpload.objects.select_related("organization").filter(pk=upload_id, expires_at__gt=timezone.now()).first()
    )
    if upload is None or not is_live_key(key_id, upload.organization_id):
        raise upload_expired()
    return upload


def upload_expired() -> Forbidden:
    """The refusal of a request for an expired upload."""
    return Forbidden("This upload is over, or its API key was revoked. Start the upload again.")


@transaction.atomic
def finish(*, upload: LfsUpload, blob: StoredBlob) -> None:
    """Record that the announced content was received. A second call changes nothing."""
    own_blob(organization_id=upload.organization_id, blob=blob)
    LfsUpload.objects.filter(pk=upload.pk, finished_at=None).update(finished_at=timezone.now())


def part_name(upload: LfsUpload, number: int) -> str:
    """A unique name for one attempt at sending a part: clients may send the same part twice at once."""
    return f"{short(upload.pk)}/{number}-{secrets.token_hex(8)}"


@transaction.atomic
def record_part(*, upload: LfsUpload, number: int, name: str, sha256: str) -> None:
    """Record that a part is staged as `name`. It replaces an earlier one, which is deleted.

    Raises:
        Forbidden: the upload was deleted in between.
    """
    if not LfsUpload.objects.select_for_update(no_key=True).filter(pk=upload.pk):  # serialises the parts of one upload
        raise upload_expired()
    before = LfsPart.objects.filter(upload_id=upload.pk, number=number).first()
    if before is not None:
        replaced = before.name
        transaction.on_commit(lambda: blob_store().discard_staged(replaced))
    LfsPart.objects.update_or_create(upload_id=upload.pk, number=number, defaults={"name": name, "sha256": sha256})


def assemble(*, upload: LfsUpload, digests: Sequence[str]) -> None:
    """Join the parts to the announced file. It may be repeated, or run twice at once.

    Args:
        digests: SHA-256 of the parts in order, as the client received them.

    Raises:
        NotUnderstood: parts are missing.
        Invalid: the joined parts differ from what was announced; they are deleted.
    """
    if upload.finished_at is not None:
        return
    parts = dict(LfsPart.objects.filter(upload_id=upload.pk).values_list("number", "name"))
    count = lfs.parts_of(upload.size)
    try:
        if missing := [number for number in range(1, count + 1) if number not in parts]:
            raise BlobMissing(f"part {missing[0]}")
        with blob_store().draft() as draft:
            for number in range(1, count + 1):
                for piece in _checked(parts[number], digests[number - 1], number):
                    draft.write(piece)
            if (draft.sha256, draft.size) != (upload.sha256, upload.size):
                blob_store().discard_staged_folder(short(upload.pk))
                raise Invalid(
                    f"The parts together have {draft.size} bytes and SHA-256 {draft.sha256}, where {upload.size} bytes "
                    f"with {upload.sha256} were announced. They were deleted; send the file again."
                )
            blob = draft.save()
    except BlobMissing as error:
        upload.refresh_from_db()
        if upload.finished_at is not None:  # a concurrent call has finished the upload
            return
        raise NotUnderstood(f"The upload is not complete ({error}); send the file again.") from None
    finish(upload=upload, blob=blob)
    blob_store().discard_staged_folder(short(upload.pk))


def _checked(name: str, expected: str, number: int) -> Iterator[bytes]:
    """The bytes of a part. Raises Invalid if their digest is not `expected`."""
    digest = hashlib.sha256()
    with blob_store().open_staged(name) as stream:
        while piece := stream.read(CHUNK):
            digest.update(piece)
            yield piece
    if digest.hexdigest() != expected:
        raise Invalid(f"Part {number} was replaced while the upload was completed; send the file again.")


def sweep() -> int:
    """Delete expired uploads with their parts, and the leftovers of killed processes.

    Returns:
        how many uploads were deleted.
    """
    over = list(LfsUpload.objects.filter(expires_at__lt=timezone.now()))
    for upload in over:
        _drop(upload)
    folders = blob_store().staged_folders()  # listed before the uploads: an upload exists before its parts
    known = {short(pk) for pk in LfsUpload.objects.values_list("pk", flat=True)}
    for folder in folders - known:
        blob_store().discard_staged_folder(folder)
    blob_store().delete_expired_drafts(older_than=DRAFT_SECONDS)
    return len(over)


def _drop(upload: LfsUpload) -> None:
    blob_store().discard_staged_folder(short(upload.pk))
    upload.delete()
