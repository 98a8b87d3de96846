"""Commits: each makes a version from the head's files and some changes; checks follow."""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db import transaction

from marketplace.accounts import policy
from marketplace.accounts.domain import Actor
from marketplace.accounts.policy import Action
from marketplace.accounts.services import audit
from marketplace.core.outbox import emit
from marketplace.core.problems import Conflict, FieldError, Invalid
from marketplace.core.storage import StoredBlob
from providers.domain import STEPS
from providers.models import Blob, GenerativeModel, ModelVersion, NamespaceBlob, VersionCheck, VersionFile
from providers.selectors import files_of, head_of, owned_blobs
from providers.validation.paths import check_paths, is_ignored
from providers.validation.refusal import FolderRefused

MAX_MESSAGE_LENGTH = 2_000
Files = Mapping[str, StoredBlob]  # by path


@dataclass(frozen=True)
class Changes:
    """A commit's changes to the head's files: first the deletions, then the written files.

    Attributes:
        written: new or changed files by path.
        deleted: paths of single files.
        deleted_folders: folders with all their content, without a slash at the end; "" is everything.
    """

    written: Files = field(default_factory=dict)
    deleted: frozenset[str] = frozenset()
    deleted_folders: frozenset[str] = frozenset()

    def apply(self, files: Files) -> dict[str, StoredBlob]:
        """The files after the commit, without files of version control and of the Hub's client."""
        kept = {path: blob for path, blob in files.items() if not self._deletes(path)}
        return kept | {path: blob for path, blob in self.written.items() if not is_ignored(path)}

    def _deletes(self, path: str) -> bool:
        return path in self.deleted or any(
            not folder or path.startswith(f"{folder}/") for folder in self.deleted_folders
        )


class StaleParent(Conflict):
    """Another commit came first.

    Attributes:
        head: id of the newest version; None if there is none.
    """

    kind, title = "stale-parent", "The repository has changed in between"

    def __init__(self, head: str | None) -> None:
        super().__init__(f"The newest version is {head or 'none'}; look at it and commit again on top of it")
        self.head = head


@transaction.atomic
def commit(*, actor: Actor, model: GenerativeModel, changes: Changes, parent: str | None, message: str) -> ModelVersion:
    """Make a new version after the head and start its checks. A commit that changes nothing returns the head.

    Commits to one model wait for each other. A commit is all or nothing, and on disk when this returns.

    Args:
        parent: id of the version that the client believes to be the head; None: any head.

    Raises:
        StaleParent: the head is another version.
        FolderRefused: a path must not be published.
        Invalid: a file was not uploaded by this organisation, or there is nothing to commit.
        Forbidden, NotFound: see `policy.require`.
    """
    GenerativeModel.objects.select_for_update(no_key=True).get(pk=model.pk)  # commits to one model wait here
    policy.require(actor, Action.COMMIT, of=model.organization_id)
    head = head_of(model)
    if parent is not None and (head is None or head.pk != parent):
        raise StaleParent(head.pk if head else None)
    before = {path: StoredBlob(sha256, size) for path, sha256, size in files_of(head)} if head else {}
    files = changes.apply(before)
    if head is not None and files == before:
        return head
    if not files and head is None:
        raise Invalid("There is nothing to commit: the first version needs files")
    _check(model.organization_id, files)
    return _add_version(actor, model, files, head, message=message)


def own_blob(*, organization_id: uuid.UUID, blob: StoredBlob) -> None:
    """Record that the organisation uploaded this blob, which is in the store. Repeating it changes nothing."""
    with transaction.atomic():
        Blob.objects.bulk_create([Blob(sha256=blob.sha256, size=blob.size)], ignore_conflicts=True)
        NamespaceBlob.objects.bulk_create(
            [NamespaceBlob(organization_id=organization_id, blob_id=blob.sha256)], ignore_conflicts=True
        )


def _check(organization_id: uuid.UUID, files: Files) -> None:
    """Raises FolderRefused for paths that must not be published, Invalid for blobs of other organisations."""
    if errors := check_paths({path: blob.size for path, blob in files.items()}):
        raise FolderRefused(errors)
    owned = owned_blobs(organization_id, [blob.sha256 for blob in files.values()])
    foreign = [path for path, blob in sorted(files.items()) if owned.get(blob.sha256) != blob.size]
    if foreign:
        errors = [FieldError(path, "was not uploaded to this organisation; upload it first") for path in foreign]
        raise Invalid(
            f"Nothing was committed: {len(foreign)} file(s) were not uploaded, e.g. {foreign[0]}", errors=errors
        )


def _add_version(
    actor: Actor, model: GenerativeModel, files: Files, head: ModelVersion | None, *, message: str
) -> ModelVersion:
    version = ModelVersion.objects.create(
        id=version_id(model, files, head),
        model=model,
        number=head.number + 1 if head else 1,
        parent=head,
        message=message[:MAX_MESSAGE_LENGTH],
        size=sum(blob.size for blob in files.values()),
        published_by_id=actor.user_id,
    )
    VersionFile.objects.bulk_create(
        [VersionFile(version=version, path=path, blob_id=blob.sha256) for path, blob in files.items()]
    )
    VersionCheck.objects.bulk_create(
        [VersionCheck(version=version, step=step, position=position) for position, step in enumerate(STEPS)]
    )
    audit.record(
        actor,
        action="version.committed",
        subject=version.pk,
        model=model.name,
        number=version.number,
    )
    emit("version.committed", {"version": version.pk})
    return version


def version_id(model: GenerativeModel, files: Files, parent: ModelVersion | None) -> str:
    """The SHA-1 of the model, the parent version and every file, as 40 hexadecimal digits."""
    lines = [f"bourse version {model.pk} {parent.pk if parent else '-'}"]
    lines += [f"{files[path].sha256} {path}" for path in sorted(files)]
    return hashlib.sha1("\n".join(lines).encode(), usedforsecurity=False).hexdigest()
