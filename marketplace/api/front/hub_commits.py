"""The Hub's commits: the upload mode of each file, then the commit itself, read line by line as it arrives."""

from marketplace.api.front.http import Request, Response, json_response
from marketplace.api.front.hub import own, site
from marketplace.api.front.resources import Resources, in_thread
from marketplace.core.problems import NotUnderstood
from providers.hub import git, reading
from providers.hub.commits import MAX_BODY_BYTES, CommitReader
from providers.hub.committing import PendingCommit, commit_changes, require_branch, require_publishable
from providers.validation.paths import is_ignored

MAX_PATHS = 256


async def preupload(request: Request, resources: Resources, *, owner: str, name: str, revision: str) -> Response:
    """`POST /api/models/{owner}/{name}/preupload/{revision}`: which files to send by LFS, and which exist already.

    Files that must not be published are refused here, before their content is sent.
    """
    _, repository = await own(request, owner, name)
    _require_plain_commit(request)
    require_branch(repository, revision)
    sizes = _announced((await request.json()).get("files"))
    require_publishable(sizes)
    head = (await in_thread(reading.snapshot, repository, revision)).entries
    files = [
        {
            "path": path,
            "uploadMode": "lfs" if git.is_lfs(path, size) else "regular",
            "shouldIgnore": is_ignored(path),
            "oid": head[path].etag if path in head else None,
        }
        for path, size in sizes.items()
    ]
    return json_response({"files": files})


def _announced(files: object) -> dict[str, int]:
    """Sizes by path."""
    if not isinstance(files, list) or len(files) > MAX_PATHS:
        raise NotUnderstood(f'Send {{"files": [{{"path": "…", "size": 1}}]}} with at most {MAX_PATHS} files.')
    sizes = {}
    for file in files:
        path, size = (file.get("path"), file.get("size")) if isinstance(file, dict) else (None, None)
        if not isinstance(path, str) or type(size) is not int or size < 0:
            raise NotUnderstood("Each file needs a path and a size in bytes.")
        sizes[path] = size
    return sizes


async def commit(request: Request, resources: Resources, *, owner: str, name: str, revision: str) -> Response:
    """`POST /api/models/{owner}/{name}/commit/{revision}`: make a new version and start its checks."""
    caller, repository = await own(request, owner, name)
    _require_plain_commit(request)
    require_branch(repository, revision)
    reader, pending = CommitReader(), PendingCommit(caller)
    async for piece in request.pieces(largest=MAX_BODY_BYTES):
        if lines := list(reader.feed(piece)):
            await in_thread(pending.take, lines)
    await in_thread(pending.take, list(reader.end()))
    oid = await in_thread(commit_changes, repository=repository, pending=pending)
    url = f"{site(request)}/{repository.slug}/commit/{oid}"
    return json_response({"success": True, "commitOid": oid, "commitUrl": url, "hookOutput": ""})


def _require_plain_commit(request: Request) -> None:
    if request.query("create_pr"):
        raise NotUnderstood("There are no pull requests here: leave --create-pr out; each commit is a version.")
