"""Git's object ids of small files, stored so that each file is read once only."""

from collections.abc import Iterable

from marketplace.core.storage import blob_store
from providers.hub import git
from providers.models import GitOid

File = tuple[str, str, int]  # path, SHA-256, bytes


def oids_of(files: Iterable[File]) -> dict[File, str]:
    """Git's object id of each file: of its bytes, or of the pointer file of a large one."""
    files = set(files)
    small = {sha256 for path, sha256, size in files if not git.is_lfs(path, size)}
    known = dict(GitOid.objects.filter(blob__in=small).values_list("blob_id", "oid"))
    known |= _compute_oids(small - known.keys())
    return {
        (path, sha256, size): git.blob_oid(git.pointer(sha256, size)) if git.is_lfs(path, size) else known[sha256]
        for path, sha256, size in files
    }


def _compute_oids(digests: Iterable[str]) -> dict[str, str]:
    found = {sha256: git.blob_oid(b"".join(blob_store().chunks(sha256))) for sha256 in digests}
    GitOid.objects.bulk_create(
        [GitOid(blob_id=sha256, oid=oid) for sha256, oid in found.items()], ignore_conflicts=True
    )
    return found
