"""Git LFS's batch request: which files the client must upload, and how.

Protocol: https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md, with the Hub's own transfer "multipart", in
which `header` has the URLs of the parts by number, and `chunk_size`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marketplace.core.problems import NotUnderstood
from providers.hub.commits import SHA256

MEDIA_TYPE = "application/vnd.git-lfs+json"
PART_BYTES = 32 * 1024 * 1024  # an interrupted upload sends at most one part again
MAX_SINGLE_PART_BYTES = 64 * 1024 * 1024
MAX_FILE_BYTES = 50_000_000_000  # stock clients do not download larger files over plain HTTP
MAX_OBJECTS = 1_000


@dataclass(frozen=True)
class Announced:
    """A file that the client wants to upload: SHA-256 in hexadecimal and size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True)
class BatchRequest:
    objects: Sequence[Announced]
    takes_multipart: bool


def read_batch(document: Mapping[str, Any]) -> BatchRequest:
    """Read a batch request for uploads.

    Raises:
        NotUnderstood: it is malformed, or asks for downloads.
    """
    objects, transfers = document.get("objects"), document.get("transfers", ["basic"])
    if document.get("operation") != "upload":
        raise NotUnderstood("Only uploads go through LFS here; download files by their /resolve/ addresses.")
    if document.get("hash_algo", "sha256") != "sha256":
        raise NotUnderstood("hash_algo must be sha256.")
    if not isinstance(objects, list) or not isinstance(transfers, list):
        raise NotUnderstood('Send {"operation": "upload", "transfers": […], "objects": [{"oid": …, "size": …}]}.')
    if len(objects) > MAX_OBJECTS:
        raise NotUnderstood(f"Announce {MAX_OBJECTS} objects at most in one call.")
    return BatchRequest([_announced(one) for one in objects], takes_multipart="multipart" in transfers)


def read_verify(document: Mapping[str, Any]) -> Announced:
    """Read a verify request: the file whose presence the client asks for. Raises NotUnderstood."""
    return _announced(document)


def _announced(one: Any) -> Announced:
    sha256, size = (one.get("oid"), one.get("size")) if isinstance(one, dict | Mapping) else (None, None)
    if not isinstance(sha256, str) or not SHA256.fullmatch(sha256) or type(size) is not int or size < 0:
        raise NotUnderstood("Each object needs an oid, a SHA-256 in lower-case hexadecimal, and a size in bytes.")
    return Announced(sha256, size)


def parts_of(size: int) -> int:
    """The number of parts in which a file of this size is uploaded."""
    return -(-size // PART_BYTES)


def part_size(size: int, number: int) -> int:
    """Bytes of part `number` (1, 2 …) of a file of this size; 0 if it has no such part."""
    return max(0, min(PART_BYTES, size - (number - 1) * PART_BYTES)) if number >= 1 else 0


def present(one: Announced) -> dict[str, Any]:
    """The answer for a file that is present already: no actions."""
    return {"oid": one.sha256, "size": one.size}


def refused(one: Announced, *, code: int, message: str) -> dict[str, Any]:
    """The answer for a file that is refused; `code` is an HTTP status."""
    return present(one) | {"error": {"code": code, "message": message}}


def wanted(one: Announced, *, href: str, parts: Sequence[str], verify: str) -> dict[str, Any]:
    """The answer for a file that must be uploaded.

    Args:
        href: the URL for the content, or the URL at which the parts are declared complete.
        parts: a URL for each part; if empty, the content goes to `href` in one request.
    """
    header = {str(number): part for number, part in enumerate(parts, start=1)}
    if parts:
        header["chunk_size"] = str(PART_BYTES)
    return present(one) | {"actions": {"upload": {"href": href, "header": header}, "verify": {"href": verify}}}


def batch_answer(objects: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The answer to a batch request, from the answers for its files."""
    multipart = any(one.get("actions", {}).get("upload", {}).get("header") for one in objects)
    return {"transfer": "multipart" if multipart else "basic", "objects": list(objects), "hash_algo": "sha256"}


def read_completion(document: Mapping[str, Any], *, announced: Announced) -> Sequence[str]:
    """The digests of the parts in order, as a client declares them complete.

    Raises:
        NotUnderstood: it is about another file, or does not list each part once and in order.
    """
    parts = document.get("parts")
    if document.get("oid") != announced.sha256:
        raise NotUnderstood("The parts that are declared complete are another file's; send the file again.")
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise NotUnderstood('Send {"oid": …, "parts": [{"partNumber": 1, "etag": …}, …]}.')
    if [part.get("partNumber") for part in parts] != list(range(1, parts_of(announced.size) + 1)):
        raise NotUnderstood(f"The file has {parts_of(announced.size)} parts; declare each once and in order.")
    return [str(part.get("etag")).strip('"') for part in parts]
