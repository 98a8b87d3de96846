"""OpenAI's dialect, with the same admission, waiting and models as Replicate's."""

import asyncio
import base64

import orjson

from inference.domain.files import MAX_FILE_BYTES
from inference.read_models import PredictionView
from inference.services.files import keep_upload
from marketplace.api import openai
from marketplace.api.authentication import key_from_header, look_up_caller
from marketplace.api.conditions import conditions_of
from marketplace.api.front.authentication import authenticate
from marketplace.api.front.files import AROUND
from marketplace.api.front.forms import form_of
from marketplace.api.front.http import Request, Response, json_response
from marketplace.api.front.resources import Resources, in_thread
from marketplace.api.front.running import run
from marketplace.api.operations import JSON, Dialect
from marketplace.api.shapes import answers
from marketplace.catalog import search as catalog_search
from marketplace.catalog import selectors as catalog
from marketplace.catalog.services import resolution
from marketplace.core.ids import short
from marketplace.core.problems import Problem
from marketplace.core.storage import blob_store

MAX_MODELS = 1_000
MAX_WAIT_SECONDS = 570.0  # OpenAI's client times out after 600 seconds


async def generate(request: Request, resources: Resources) -> Response:
    """`POST /openai/v1/images/generations`: run a text-to-image model and wait for its pictures."""
    caller = await authenticate(request)
    body, reference, inputs = openai.image_request(await request.json())
    conditions = conditions_of(request.header, body, reference=reference, inputs=inputs)
    view = await run(resources, caller, reference, inputs, wait_seconds=MAX_WAIT_SECONDS, conditions=conditions)
    return await _answer(view, body.response_format)


async def edit(request: Request, resources: Resources) -> Response:
    """`POST /openai/v1/images/edits`: run an image-to-image model on the picture of a form."""
    # From the database, not from a snapshot: the picture is stored before the key is checked again.
    caller = await in_thread(look_up_caller, key_from_header(request.header("authorization")))
    async with form_of(request, largest=MAX_FILE_BYTES + AROUND) as form:
        pictures = [*form.files.get("image", ()), *form.files.get("image[]", ())]
        openai.check_edit(pictures=len(pictures), mask="mask" in form.files)
        body, reference, inputs = openai.image_request(openai.form_body(form.fields))
        target = await in_thread(resolution.resolve, reference, organization_id=caller.organization_id)
        inputs = openai.typed(inputs, target.check.schema)
        file = await in_thread(
            keep_upload,
            caller=caller,
            source=pictures[0].content,
            name=pictures[0].name,
            metadata={},
        )
    # A repeated picture is the same request, although each time it is a new upload.
    same = inputs | {"image": file.sha256}
    conditions = conditions_of(request.header, body, reference=reference, inputs=same)
    inputs["image"] = f"/v1/files/{short(file.pk)}"
    view = await run(resources, caller, reference, inputs, wait_seconds=MAX_WAIT_SECONDS, conditions=conditions)
    return await _answer(view, body.response_format)


async def models(request: Request, resources: Resources) -> Response:
    """`GET /openai/v1/models`: the most used models on sale, at most a thousand: this dialect has no pages."""
    await authenticate(request)
    listings = await in_thread(catalog_search.most_used_listings, size=MAX_MODELS)
    page: answers.OpenAIModels = {"object": "list", "data": [openai.model_document(listing) for listing in listings]}
    return json_response(page)


async def model(request: Request, resources: Resources, *, owner: str, name: str) -> Response:
    """`GET /openai/v1/models/{owner}/{name}`: one model on sale, or the target of the caller's alias of this name."""
    caller = await authenticate(request)
    offer = await in_thread(catalog.offer_for, owner, name, caller.organization_id)
    return json_response(openai.model_document(offer.listing))


def refuse(problem: Problem, *, instance: str) -> Response:
    """A refusal in this dialect, which has no field for `instance`."""
    headers = {"Content-Type": JSON} | dict(problem.headers())
    return Response(problem.status, orjson.dumps(openai.error_document(problem)), headers=headers)


DIALECT = Dialect(refuse, answers.OpenAIError, JSON)


async def _answer(view: PredictionView, response_format: str | None) -> Response:
    openai.check_ended_well(view)
    encoded = [await asyncio.to_thread(_encoded, artifact.sha256) for artifact in view.artifacts]
    return json_response(openai.images_document(view, encoded, response_format=response_format))


def _encoded(sha256: str) -> str:
    with blob_store().open(sha256) as stream:
        return base64.b64encode(stream.read()).decode()
