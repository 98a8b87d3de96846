"""Commits of Hub clients: inline files are stored as they are received, then all changes become one version."""

import re
from collections.abc import Iterable

from django.db import transaction

from marketplace.accounts import policy
from marketplace.accounts.domain import Actor
from marketplace.accounts.policy import Action
from marketplace.core.problems import Conflict, FieldError, Invalid, NotUnderstood
from marketplace.core.storage import StoredBlob, blob_store
from providers.hub import git
from providers.hub.commits import DeletedFile, DeletedFolder, Header, InlineFile, LargeFile, Line
from providers.hub.reading import BRANCH, Repository
from providers.hub.refusals import EntryNotFound, HubProblem, RepositoryNotFound, RevisionNotFound
from providers.hub.uploads import require_upload_quota, upload_quota_used
from providers.models import GenerativeModel, GitOid
from providers.selectors import files_of, head_of, owned_blobs
from providers.services.commit import Changes, commit, own_blob
from providers.validation.paths import is_ignored, refusal
from providers.validation.refusal import FolderRefused

PARENT = re.compile(r"[0-9a-f]{5,40}", re.ASCII)


class StaleParent(HubProblem, Conflict):
    """412: another commit was made in between."""

    status, kind, title = 412, "stale-parent", "The repository has changed in between"


class PendingCommit:
    """The changes of a commit, collected line by line; a later line about a path replaces an earlier one.

    Args:
        actor: who commits to a repository of their organisation.

    Raises:
        Forbidden: as `policy.check` says; before anything is stored.
    """

    def __init__(self, actor: Actor) -> None:
        policy.check(actor, Action.COMMIT)
        self.actor = actor
        self._written: dict[str, StoredBlob | LargeFile] = {}
        self._deleted: set[str] = set()
        self._folders: set[str] = set()
        self._inline = self._used = 0  # bytes inline so far, and the quota used before the first of them
        self.header = Header("", "", None)

    def take(self, lines: Iterable[Line]) -> None:
        """Record the operations of the lines, and store their inline files.

        Raises:
            FolderRefused: a file must not be published; nothing of it was stored.
            TooLarge: the upload quota is exceeded.
        """
        for line in lines:
            match line:
                case Header():
                    self.header = line
                case InlineFile(path, content):
                    require_publishable({path: len(content)})
                    if not is_ignored(path):
                        self._written[path] = self._store(content)
                case LargeFile(path):
                    self._written[path] = line
                case DeletedFile(path):
                    self._written.pop(path, None)
                    self._deleted.add(path)
                case DeletedFolder(path):
                    for written in [other for other in self._written if other.startswith(f"{path}/")]:
                        del self._written[written]
                    self._folders.add(path)

    def _store(self, content: bytes) -> StoredBlob:
        if not self._inline:
            self._used = upload_quota_used(self.actor.organization_id)
        self._inline += len(content)
        require_upload_quota(used=self._used, size=self._inline)
        blob = blob_store().put(content)
        own_blob(organization_id=self.actor.organization_id, blob=blob)
        GitOid.objects.bulk_create([GitOid(blob_id=blob.sha256, oid=git.blob_oid(content))], ignore_conflicts=True)
        return blob

    def changes(self) -> Changes:
        """The changes to commit.

        Raises:
            FolderRefused: a file must not be published.
            Invalid: a large file was not uploaded, or has another size than the commit says.
        """
        large = {path: file for path, file in self._written.items() if isinstance(file, LargeFile)}
        sizes = owned_blobs(self.actor.organization_id, [file.sha256 for file in large.values()])
        errors = [
            FieldError(path, "was not uploaded to this organisation; upload it again")
            for path, file in large.items()
            if sizes.get(file.sha256) is None or file.size not in (None, sizes[file.sha256])
        ]
        if errors:
            raise Invalid("Nothing was committed.", errors=errors)
        stored = {path: StoredBlob(file.sha256, sizes[file.sha256]) for path, file in large.items()}
        written = {path: file for path, file in self._written.items() if isinstance(file, StoredBlob)} | stored
        require_publishable({path: blob.size for path, blob in written.items()})
        return Changes(written, frozenset(self._deleted), frozenset(self._folders))


def require_publishable(sizes: dict[str, int]) -> None:
    """Raises FolderRefused if a file of these paths and sizes in bytes must not be published."""
    reasons = {path: refusal(path, size) for path, size in sizes.items() if not is_ignored(path)}
    if errors := [FieldError(path, reason) for path, reason in reasons.items() if reason]:
        raise FolderRefused(errors)


def require_branch(repository: Repository, revision: str) -> None:
    """Raises RevisionNotFound or NotUnderstood unless this revision takes commits."""
    if revision != BRANCH:
        if repository.is_own and (revision == repository.root or len(revision) == 40):
            raise NotUnderstood(f"Versions never change; commit on {BRANCH}.")
        raise RevisionNotFound(revision)


@transaction.atomic
def commit_changes(*, repository: Repository, pending: PendingCommit) -> str:
    """Make a version of the changes, on top of the newest. If nothing changes, return the newest.

    Returns:
        the commit's 40 hexadecimal digits.

    Raises:
        RepositoryNotFound: the repository was deleted in between.
        StaleParent: the client's parent is not the newest commit.
        EntryNotFound: a file or folder to delete does not exist.
        Problem: the commit service refuses the commit.
    """
    model = repository.model
    if not GenerativeModel.objects.select_for_update(no_key=True).filter(pk=model.pk):  # deleted in between
        raise RepositoryNotFound(repository.slug, signed_in=True)
    head = head_of(model)
    newest = head.pk if head else repository.root
    parent = pending.header.parent
    if parent is not None and not (PARENT.fullmatch(parent) and newest.startswith(parent)):
        raise StaleParent(
            f"A commit has happened since: the newest is {newest}, and yours stands on {parent[:40]}. Look at what "
            "changed, then commit again."
        )
    changes = pending.changes()
    paths = {path for path, _, _ in files_of(head)} if head else set()
    _require_deletable(repository, changes, paths, newest)
    if head is None and not changes.written:
        return newest
    message = f"{pending.header.summary}\n\n{pending.header.description}".strip()
    parent = head.pk if head else None
    return commit(actor=pending.actor, model=model, changes=changes, parent=parent, message=message).pk


def _require_deletable(repository: Repository, changes: Changes, paths: set[str], newest: str) -> None:
    for path in changes.deleted:
        if path not in paths:
            # Stock clients match these first words.
            raise EntryNotFound(f"A file with this name doesn't exist: {path} in {repository.slug}", commit=newest)
    for folder in changes.deleted_folders:
        if not any(path.startswith(f"{folder}/") for path in paths):
            raise EntryNotFound(f"A folder with this name doesn't exist: {folder} in {repository.slug}", commit=newest)
