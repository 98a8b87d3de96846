"""The JSON documents of the Hub's API, with the fields that stock clients read. Pure functions."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from providers.hub import git
from providers.hub.reading import BRANCH, Entry, Repository, Snapshot

if TYPE_CHECKING:
    from providers.models import ModelVersion

Document = dict[str, Any]
FIRST_COMMIT = "initial commit"


def whoami(slug: str, *, key_name: str) -> Document:
    """The organisation of the key, which is also its namespace."""
    token = {"displayName": key_name, "role": "write"}
    return {
        "type": "org",
        "name": slug,
        "fullname": slug,
        "orgs": [],
        "auth": {"type": "access_token", "accessToken": token},
    }


def repository(of: Repository, found: Snapshot) -> Document:
    """A repository at a revision, as `model_info` reads it."""
    model = of.model
    return {
        "_id": str(model.pk),
        "id": of.slug,
        "modelId": of.slug,
        "author": model.organization.slug,
        "sha": found.commit,
        "private": of.listed is None,
        "gated": False if of.is_own else "manual",
        "disabled": False,
        "createdAt": _moment(model.created_at),
        "lastModified": _moment(found.at),
        "pipeline_tag": model.task or None,
        "library_name": "diffusers" if "model_index.json" in found.entries else None,
        "tags": [f"license:{model.license}"] if model.license else [],
        "usedStorage": sum(entry.size for entry in found.entries.values()),
        "siblings": [_sibling(entry) for entry in found.entries.values()],
    }


def tree(entries: Iterable[Entry], *, folder: str, recursive: bool) -> list[Document]:
    """The content of `folder` ("" is the root), folders first; with `recursive`, at any depth.

    A folder that does not exist has no content.
    """
    prefix = f"{folder}/" if folder else ""
    inside = [entry for entry in entries if entry.path.startswith(prefix)]
    folders: set[str] = set()
    files = []
    for entry in inside:
        parents = entry.path[len(prefix) :].split("/")[:-1]
        depth = len(parents) if recursive else min(1, len(parents))
        folders |= {prefix + "/".join(parents[: count + 1]) for count in range(depth)}
        if recursive or not parents:
            files.append(file(entry))
    return [directory(path, inside) for path in sorted(folders)] + files


def paths_info(entries: Mapping[str, Entry], paths: Iterable[str]) -> list[Document]:
    """The entries at these paths, files or folders; missing paths are left out."""
    found = []
    for path in (path.strip("/") for path in paths):
        if path in entries:
            found.append(file(entries[path]))
        elif path and any(other.startswith(f"{path}/") for other in entries):
            found.append(directory(path, entries.values()))
    return found


def file(entry: Entry) -> Document:
    """One file; a large one with its SHA-256."""
    document: Document = {"type": "file", "path": entry.path, "oid": entry.oid, "size": entry.size}
    return document | {"lfs": _lfs(entry) | {"oid": entry.sha256}} if entry.is_lfs else document


def directory(path: str, entries: Iterable[Entry]) -> Document:
    """One folder, with git's id of its content."""
    start = len(path) + 1
    inside = {entry.path[start:]: entry.oid for entry in entries if entry.path.startswith(f"{path}/")}
    return {"type": "directory", "path": path, "oid": git.folder_oid(inside), "size": 0}


def refs(of: Repository, commit: str) -> Document:
    """The one branch. The names `v1`, `v2` … resolve to versions but are not listed as tags."""
    branch = {"name": BRANCH, "ref": f"refs/heads/{BRANCH}", "targetCommit": commit}
    return {"branches": [branch], "tags": [], "converts": [], "pullRequests": []}


def commits(of: Repository, versions: Iterable["ModelVersion"], *, is_last: bool) -> list[Document]:
    """A page of the history, newest first. On the last one owners see that it starts with an empty commit."""
    author = of.model.organization.slug
    found = [
        _commit(one.pk, f"{one.message}\n".splitlines()[0], one.message, one.created_at, author) for one in versions
    ]
    if of.is_own and is_last:
        found.append(_commit(of.root, FIRST_COMMIT, "", of.model.created_at, author))
    return found


def _commit(oid: str, title: str, message: str, at: datetime, author: str) -> Document:
    return {"id": oid, "title": title, "message": message, "date": _moment(at), "authors": [{"user": author}]}


def _sibling(entry: Entry) -> Document:
    document: Document = {"rfilename": entry.path, "size": entry.size, "blobId": entry.oid}
    return document | {"lfs": _lfs(entry) | {"sha256": entry.sha256}} if entry.is_lfs else document


def _lfs(entry: Entry) -> Document:
    return {"size": entry.size, "pointerSize": len(git.pointer(entry.sha256, entry.size))}


def _moment(at: datetime) -> str:
    """As the Hub writes times: UTC, milliseconds, Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
