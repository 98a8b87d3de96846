"""The hot routes of Replicate's dialect: create, get and cancel a prediction."""

import asyncio
import uuid

from inference import sql
from inference.domain.lifecycle import Status
from inference.services.cancel import after_cancel, cancel_parameters
from marketplace.api import replicate
from marketplace.api.conditions import conditions_of
from marketplace.api.front.authentication import authenticate
from marketplace.api.front.http import MAX_INPUT_BYTES, Request, Response, json_response
from marketplace.api.front.resources import Resources, in_thread
from marketplace.api.front.running import run, view_for
from marketplace.api.shapes.requests import CreatePrediction, CreatePredictionOfVersion
from marketplace.catalog.domain import Reference
from marketplace.core.ids import parse_short
from marketplace.core.problems import NotFound
from marketplace.core.shapes import read


async def create(
    request: Request, resources: Resources, *, owner: str | None = None, name: str | None = None
) -> Response:
    """`POST /v1/predictions` and `POST /v1/models/{owner}/{name}/predictions`, with `Prefer: wait[=seconds]`."""
    caller = await authenticate(request)
    sent = await request.json(largest=MAX_INPUT_BYTES)
    body: CreatePrediction
    if owner and name:
        body, reference = read(sent, CreatePrediction), Reference(owner, name)
    else:
        body = versioned = read(sent, CreatePredictionOfVersion)
        reference = await in_thread(replicate.reference_in, versioned)
    conditions = conditions_of(request.header, body, reference=reference, inputs=body.input)
    seconds = replicate.wait_seconds(request.header("prefer"))
    view = await run(resources, caller, reference, body.input, wait_seconds=seconds, conditions=conditions)
    if seconds is None or view.status.is_final:
        return json_response(replicate.prediction_document(view), status=201)
    return json_response(replicate.prediction_document(view, status=Status.STARTING), status=202)


async def get(request: Request, resources: Resources, *, id: str) -> Response:
    """`GET /v1/predictions/{id}`"""
    caller = await authenticate(request)
    return json_response(replicate.prediction_document(await view_for(resources, caller, _parse(id))))


async def cancel(request: Request, resources: Resources, *, id: str) -> Response:
    """`POST /v1/predictions/{id}/cancel`"""
    caller = await authenticate(request)
    prediction = _parse(id)
    await view_for(resources, caller, prediction)
    row = await resources.fetch_one(sql.CANCEL, cancel_parameters(caller, prediction))
    if row is None:
        raise NotFound("There is no such prediction")
    await asyncio.to_thread(after_cancel, prediction, row["status"], row["node"], row["waiter"])
    return json_response(replicate.prediction_document(await view_for(resources, caller, prediction)))


def _parse(id_: str) -> uuid.UUID:
    prediction = parse_short(id_)
    if prediction is None:
        raise NotFound("There is no such prediction")
    return prediction
