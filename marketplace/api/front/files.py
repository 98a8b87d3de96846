"""Input files of calls: uploading and downloading them."""

import uuid
from typing import Any

import orjson

from inference.domain.files import MAX_FILE_BYTES
from inference.read_models import FILE_OF_PREDICTION, UPLOAD
from inference.services.files import keep_upload
from marketplace.accounts.domain import Actor
from marketplace.accounts.selectors import actor_by_upload_link
from marketplace.api.authentication import key_from_header, look_up_caller
from marketplace.api.files import file_document
from marketplace.api.front.artifacts import send_file
from marketplace.api.front.authentication import authenticate, holds_link
from marketplace.api.front.blobs import gone
from marketplace.api.front.forms import form_of
from marketplace.api.front.http import Request, Response, json_response
from marketplace.api.front.resources import Resources, in_thread
from marketplace.core.files import reference_in
from marketplace.core.ids import parse_short
from marketplace.core.problems import FieldError, Forbidden, Invalid

FIELD = "content"  # the form field's name in Replicate's clients
AROUND = 64 * 1024  # bytes of a form in addition to its file
MAX_METADATA_LENGTH = 4_096
NOBODY = uuid.UUID(int=0)


async def upload(request: Request, resources: Resources) -> Response:
    """`POST /v1/files`: keep a picture for a day, as the multipart field `content`."""
    # From the database, not from a snapshot: the key is not checked again later in the request.
    caller = await in_thread(look_up_caller, key_from_header(request.header("authorization")))
    return await _kept(request, caller)


async def upload_by_link(request: Request, resources: Resources, *, organization: str) -> Response:
    """`POST /v1/uploads/{organization}?expires=…&signature=…`: the same, for this site's pages, which have no key."""
    if not holds_link(request):
        raise Forbidden("This page is too old to upload from. Reload it.")
    return await _kept(request, await in_thread(actor_by_upload_link, parse_short(organization) or NOBODY))


async def download(request: Request, resources: Resources, *, id: str) -> Response:
    """`GET /v1/files/{id}/download`: an upload's bytes, by signed link or to its owner."""
    owner = None if holds_link(request) else (await authenticate(request)).organization_id
    row = await resources.fetch_one(UPLOAD, {"id": parse_short(id) or NOBODY, "organization": owner})
    if row is None:
        raise gone()
    return await send_file(request, resources, name=id, file=row)


async def prediction_input(request: Request, resources: Resources, *, id: str, field: str) -> Response:
    """`GET /v1/predictions/{id}/inputs/{field}`: an input file of a prediction, by signed link or to its buyer."""
    owner = None if holds_link(request) else (await authenticate(request)).organization_id
    row = await resources.fetch_one(
        FILE_OF_PREDICTION, {"id": parse_short(id) or NOBODY, "field": field, "organization": owner}
    )
    reference = reference_in(row["file"]) if row is not None else None
    if reference is None:
        raise gone()
    return await send_file(request, resources, name=id, file=vars(reference))


async def _kept(request: Request, caller: Actor) -> Response:
    async with form_of(request, largest=MAX_FILE_BYTES + AROUND) as form:
        sent = form.files.get(FIELD)
        if not sent:
            wrong = FieldError(FIELD, "is required: the picture, as a file of the form")
            raise Invalid("Nothing was kept: the form has no file", errors=[wrong])
        file = await in_thread(
            keep_upload,
            caller=caller,
            source=sent[0].content,
            name=sent[0].name,
            metadata=_metadata(form.fields.get("metadata", "")),
        )
    return json_response(file_document(file), status=201)


def _metadata(text: str) -> dict[str, Any]:
    """The client's JSON metadata, which is stored and returned unchanged. Raises Invalid."""
    wrong = FieldError("metadata", f"must be a JSON object of at most {MAX_METADATA_LENGTH} bytes")
    if not text:
        return {}
    try:
        value = orjson.loads(text) if len(text) <= MAX_METADATA_LENGTH else None
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict) or "\\u0000" in text:
        raise Invalid("Nothing was kept: the metadata cannot be read", errors=[wrong])
    return value
