"""Input files of calls: uploading them, and resolving a field's value to a file."""

import io
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, BinaryIO
from urllib.parse import parse_qs, unquote, urlsplit

from django.conf import settings
from django.utils import timezone

from inference.domain.admission import InputCheck
from inference.domain.files import (
    MAX_FILE_BYTES,
    MEDIA_TYPES,
    NotAPicture,
    inspect_picture,
    media_fields,
    read_data_uri,
    unsuitable,
)
from inference.models import Artifact, InputFile, Prediction
from inference.selectors import input_file_for_buyer
from marketplace.accounts import policy
from marketplace.accounts.domain import Actor
from marketplace.accounts.policy import Action
from marketplace.core import links
from marketplace.core.files import FileReference, reference_in
from marketplace.core.ids import parse_short
from marketplace.core.problems import Conflict, FieldError, Invalid, NotFound, TooLarge
from marketplace.core.storage import blob_store

NOTHING = uuid.UUID(int=0)
UPLOADS_KEPT = timedelta(hours=24)
MAX_UPLOADS = 1_000  # per organisation at a time
MAX_NAME_LENGTH = 255
UPLOAD_FIRST = "upload the picture with POST /v1/files and give its address, or send it as a data: URI"


def keep_upload(*, caller: Actor, source: BinaryIO, name: str, metadata: Mapping[str, Any]) -> InputFile:
    """Check a picture and keep it for a day, so that calls can name it.

    Args:
        source: seekable; at its beginning.

    Raises:
        Invalid: the file is not a picture that models accept; nothing is kept.
        TooLarge: the file has too many bytes.
        Forbidden: see `policy.check`.
        Conflict: the organisation has too many uploads already.
    """
    policy.check(caller, Action.UPLOAD)
    if (
        InputFile.objects.filter(organization=caller.organization_id, expires_at__gt=timezone.now()).count()
        >= MAX_UPLOADS
    ):
        raise Conflict(f"There are {MAX_UPLOADS} uploads already; delete some, or wait until they expire after a day")
    try:
        reference = _keep(source)
    except NotAPicture as error:
        raise Invalid(f"Nothing was kept: the file {error}", errors=[FieldError("content", str(error))]) from None
    return InputFile.objects.create(
        organization_id=caller.organization_id,
        name=name[:MAX_NAME_LENGTH],
        metadata=dict(metadata),
        expires_at=timezone.now() + UPLOADS_KEPT,
        sha256=reference.sha256,
        media_type=reference.media_type,
        size=reference.size,
        width=reference.width,
        height=reference.height,
    )


def delete_upload(*, caller: Actor, file_id: uuid.UUID | None) -> None:
    """Delete an upload: calls can no longer name it. Predictions that used it still show it.

    Raises:
        Forbidden: see `policy.check`.
        NotFound: the organisation has no such file.
    """
    policy.check(caller, Action.DELETE_UPLOAD)
    input_file_for_buyer(caller.organization_id, file_id).delete()


def expire_uploads() -> int:
    """Delete expired uploads, and return how many."""
    return InputFile.objects.filter(expires_at__lte=timezone.now()).delete()[0]


def take_files(*, caller: Actor, check: InputCheck, inputs: Any) -> dict[str, Any]:
    """The file references of the fields that take files, as a prediction's input stores them; {} without such fields.

    A field's value is a `data:` URI, an upload of the caller, or this market's link to a result or to the input of a
    prediction. Nothing is fetched from other sites. Call it outside of transactions and event loops: it decodes
    pictures.

    Raises:
        Invalid: a field's value cannot be used, or the inputs break the version's schema; each such field is named.
    """
    if not media_fields(check.schema):
        return {}
    check.apply(inputs)
    return _taken(caller, check, inputs)


def known_files(*, caller: Actor, check: InputCheck, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """As `take_files`, for an incomplete input: only pictures that addresses name. Stores nothing.

    Raises:
        Invalid: a field's address cannot be used; each such field is named.
    """
    addresses = {name: value for name, value in inputs.items() if not str(value).startswith("data:")}
    return _taken(caller, check, addresses)


def _taken(caller: Actor, check: InputCheck, inputs: Mapping[str, Any]) -> dict[str, Any]:
    taken: dict[str, Any] = {}
    errors = []
    for name, field in media_fields(check.schema).items():
        value = inputs.get(name)
        if not isinstance(value, str):
            continue
        try:
            reference = _reference(caller, value)
        except (NotAPicture, NotFound) as error:
            errors.append(FieldError(f"input.{name}", str(error)))
            continue
        if reason := unsuitable(reference, field):
            errors.append(FieldError(f"input.{name}", reason))
        taken[name] = reference.document()
    if errors:
        named = "; ".join(f"{error.field} {error.detail}" for error in errors)
        raise Invalid(f"Nothing was run and nothing is charged: {named}", errors=errors)
    return taken


def _reference(caller: Actor, value: str) -> FileReference:
    """Raises NotAPicture or NotFound; their texts continue a sentence that starts with the field's name."""
    if value.startswith("data:"):
        return _keep(io.BytesIO(read_data_uri(value)))
    address = _own_address(value)
    match address.strip("/").split("/") if address is not None else ():
        case ["artifacts", id_]:
            return _result(caller, value, id_)
        case ["v1", "files", id_] | ["v1", "files", id_, "download"]:
            return _upload(caller, value, id_)
        case ["v1", "predictions", id_, "inputs", field]:
            return _input(caller, value, id_, field)
    raise NotAPicture(f"is no address of this market, and nothing is fetched from elsewhere: {UPLOAD_FIRST}")


def _keep(source: BinaryIO) -> FileReference:
    """Check a picture and put its bytes into the store."""
    size = source.seek(0, io.SEEK_END)
    if size > MAX_FILE_BYTES:
        raise TooLarge(f"A file may have at most {MAX_FILE_BYTES:,} bytes; this one has {size:,}")
    source.seek(0)
    media_type, width, height = inspect_picture(source)
    source.seek(0)
    blob = blob_store().put_file(source)
    return FileReference(blob.sha256, media_type, blob.size, width, height)


def _own_address(value: str) -> str | None:
    """The path of an address of this site, absolute or not; None for any other text."""
    try:
        url, site = urlsplit(value), urlsplit(settings.BASE_URL)
    except ValueError:
        return None
    here = (url.scheme, url.netloc) == (site.scheme, site.netloc) or (
        not url.scheme and not url.netloc and value.startswith("/")
    )
    return unquote(url.path) if here else None


def _holds_link(value: str) -> bool:
    url = urlsplit(value)
    query = parse_qs(url.query)
    return links.is_valid(
        unquote(url.path), expires=query.get("expires", [""])[0], signature=query.get("signature", [""])[0]
    )


def _may_use(caller: Actor, value: str, *, owner: uuid.UUID | None) -> bool:
    """Whether the caller may use a link: it is signed and not expired, or the caller owns its target."""
    return owner == caller.organization_id or _holds_link(value)


def _stale() -> NotFound:
    return NotFound("is a link that has expired or leads to nothing; get the prediction again for a fresh one")


def _result(caller: Actor, value: str, id_: str) -> FileReference:
    artifact = Artifact.objects.select_related("prediction").filter(pk=parse_short(id_) or NOTHING).first()
    owner = artifact.prediction.organization_id if artifact is not None else None
    if artifact is None or not _may_use(caller, value, owner=owner):
        raise _stale()
    if artifact.media_type not in MEDIA_TYPES.values() or not (artifact.width and artifact.height):
        raise NotAPicture("is a result, but no picture")
    return FileReference(artifact.sha256, artifact.media_type, artifact.size, artifact.width, artifact.height)


def _upload(caller: Actor, value: str, id_: str) -> FileReference:
    file = InputFile.objects.filter(pk=parse_short(id_) or NOTHING, expires_at__gt=timezone.now()).first()
    if file is None or not _may_use(caller, value, owner=file.organization_id):
        raise NotFound("is no file of yours, or one that has expired; upload it again")
    return FileReference(file.sha256, file.media_type, file.size, file.width, file.height)


def _input(caller: Actor, value: str, id_: str, field: str) -> FileReference:
    prediction = Prediction.objects.filter(pk=parse_short(id_) or NOTHING).only("organization_id", "input").first()
    reference = reference_in(prediction.input.get(field)) if prediction is not None else None
    owner = prediction.organization_id if prediction is not None else None
    if reference is None or not _may_use(caller, value, owner=owner):
        raise _stale()
    return reference
