"""Git's object ids, which Hub clients compare with those of their own files.

Format: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects, pointers as in
https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md.
"""

import hashlib
from collections.abc import Mapping

MAX_REGULAR_BYTES = 1024 * 1024  # larger files go through LFS
FILE_MODE, FOLDER_MODE = "100644", "40000"


def is_lfs(path: str, size: int) -> bool:
    """Whether a file is stored through LFS, by its SHA-256. Clients never upload an empty file through LFS."""
    return size > MAX_REGULAR_BYTES or (size > 0 and path.endswith(".safetensors"))


def blob_oid(data: bytes) -> str:
    """SHA-1 of a file as git stores it, in hexadecimal."""
    return _oid("blob", data)


def pointer(sha256: str, size: int) -> bytes:
    """The pointer file that git stores instead of a large file."""
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n".encode()


def folder_oid(blobs: Mapping[str, str]) -> str:
    """SHA-1 of a folder as git stores it, from the object ids of its files by their paths inside it."""
    files: dict[str, str] = {}
    folders: dict[str, dict[str, str]] = {}
    for path, oid in blobs.items():
        first, _, rest = path.partition("/")
        if rest:
            folders.setdefault(first, {})[rest] = oid
        else:
            files[first] = oid
    entries = [(name, FILE_MODE, name, oid) for name, oid in files.items()]
    entries += [(name + "/", FOLDER_MODE, name, folder_oid(inside)) for name, inside in folders.items()]
    lines = [f"{mode} {name}\0".encode() + bytes.fromhex(oid) for _, mode, name, oid in sorted(entries)]
    return _oid("tree", b"".join(lines))


def _oid(kind: str, data: bytes) -> str:
    return hashlib.sha1(f"{kind} {len(data)}\0".encode() + data, usedforsecurity=False).hexdigest()
