"""Repositories and their revisions, as one caller may see them.

An organisation sees its own repositories in full. Others see only the listed version of a listed model, and may
download only its card, licence, configurations and pictures. Weights are not for download: calls are sold.
"""

import hashlib
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from marketplace.accounts.domain import Actor
from providers.hub import git
from providers.hub.oids import File, oids_of
from providers.hub.refusals import EntryNotFound, RepositoryNotFound, RevisionNotFound, WeightsNotPublic
from providers.selectors import (
    files_of,
    files_of_each,
    head_of,
    heads_of,
    model_named,
    version_by_id,
    versions_by_id,
    versions_for_provider,
)
from providers.validation.paths import PICTURES

if TYPE_CHECKING:
    from providers.models import GenerativeModel, ModelVersion

COMMIT_ID = re.compile(r"[0-9a-f]{40}", re.ASCII)
NUMBERED = re.compile(r"v([1-9][0-9]{0,8})", re.ASCII)
BRANCH = "main"
PUBLIC_NAMES = re.compile(r"README\.md|NOTICE|LICENSE(\.md|\.txt)?|model_index\.json|([a-z]+_)?config\.json", re.ASCII)

ListedVersion = Callable[[uuid.UUID], str | None]


@dataclass(frozen=True)
class Repository:
    """A repository as its caller may see it.

    Attributes:
        is_own: whether it belongs to the caller's organisation.
        listed: the id of the version on sale, None if there is none.
    """

    model: "GenerativeModel"
    is_own: bool
    listed: str | None

    @property
    def slug(self) -> str:
        return f"{self.model.organization.slug}/{self.model.name}"

    @property
    def root(self) -> str:
        """The id of the empty commit that every repository starts with: 40 hexadecimal digits."""
        return hashlib.sha1(f"bourse repository {self.model.pk}".encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Entry:
    """One file of a revision; `oid` is git's object id."""

    path: str
    sha256: str
    size: int
    oid: str

    @property
    def is_lfs(self) -> bool:
        return git.is_lfs(self.path, self.size)

    @property
    def etag(self) -> str:
        """What clients compare with their own file: SHA-256 of a large file, else git's object id."""
        return self.sha256 if self.is_lfs else self.oid


@dataclass(frozen=True)
class Snapshot:
    """The files of one revision by path; `version` is None for the empty first commit."""

    commit: str
    at: datetime
    entries: Mapping[str, Entry]
    version: "ModelVersion | None"


def open_repository(caller: Actor | None, owner: str, name: str, *, listed: ListedVersion) -> Repository:
    """The repository, for reading.

    Args:
        listed: returns the version of a model that is on sale.

    Raises:
        RepositoryNotFound: there is none, or it is another organisation's and not on sale.
    """
    model = model_named(owner, name)
    if model is not None:
        is_own = caller is not None and caller.organization_id == model.organization_id
        on_sale = listed(model.pk)
        if is_own or on_sale is not None:
            return Repository(model, is_own, on_sale)
    raise RepositoryNotFound(f"{owner}/{name}", signed_in=caller is not None)


def resolve(repository: Repository, revision: str) -> "ModelVersion | None":
    """The version that a revision (`main`, `v2`, 40 hexadecimal digits) names; None is the empty first commit.

    Raises:
        RevisionNotFound: it names no version that this caller may see.
    """
    model = repository.model
    found: ModelVersion | None = None
    if revision == BRANCH:
        if repository.is_own:
            return head_of(model)
        found = version_by_id(repository.listed or "")
    elif repository.is_own and revision == repository.root:
        return None
    elif COMMIT_ID.fullmatch(revision):
        found = versions_for_provider(model).filter(pk=revision).first()
    elif match := NUMBERED.fullmatch(revision):
        found = versions_for_provider(model).filter(number=int(match[1])).first()
    if found is None or not (repository.is_own or found.pk == repository.listed):
        raise RevisionNotFound(revision)
    return found


def snapshot(repository: Repository, revision: str) -> Snapshot:
    """The files of a revision. Raises RevisionNotFound."""
    version = resolve(repository, revision)
    files = [] if version is None else files_of(version)
    return _snapshot(repository, version, files, oids_of(files))


def snapshots(repositories: Sequence[Repository]) -> list[Snapshot]:
    """The files of each of these repositories at `main`, by a constant number of queries."""
    heads = heads_of([one.model.pk for one in repositories if one.is_own])
    listed = versions_by_id([one.listed for one in repositories if one.listed and not one.is_own])
    versions = [heads.get(one.model.pk) if one.is_own else listed[one.listed or ""] for one in repositories]
    files = files_of_each([version.pk for version in versions if version is not None])
    oids = oids_of(file for found in files.values() for file in found)
    return [
        _snapshot(one, version, files[version.pk] if version else [], oids)
        for one, version in zip(repositories, versions, strict=True)
    ]


def _snapshot(
    repository: Repository, version: "ModelVersion | None", files: Sequence[File], oids: Mapping[File, str]
) -> Snapshot:
    if version is None:
        return Snapshot(repository.root, repository.model.created_at, {}, None)
    entries = {file[0]: Entry(*file, oids[file]) for file in sorted(files)}
    return Snapshot(version.pk, version.created_at, entries, version)


def require_entry(repository: Repository, found: Snapshot, path: str) -> Entry:
    """A file of the snapshot that the caller may download.

    Raises:
        EntryNotFound: there is no file at this path.
        WeightsNotPublic: the file is not for download by other organisations.
    """
    entry = found.entries.get(path)
    if entry is None:
        raise EntryNotFound(f"{repository.slug} has no file {path[:255]} at {found.commit}", commit=found.commit)
    if not repository.is_own and not is_public(path):
        raise WeightsNotPublic(repository.slug, path, commit=found.commit)
    return entry


def is_public(path: str) -> bool:
    """Whether a file of this name is public once its model is on sale."""
    name = path.rsplit("/", 1)[-1]
    return PUBLIC_NAMES.fullmatch(name) is not None or PICTURES.fullmatch(name) is not None
