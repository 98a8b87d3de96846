"""The hot routes: create, get and cancel a prediction."""

import asyncio
import logging
import time
import uuid
from typing import Any

from inference import statements
from inference.domain.lifecycle import Origin, Status
from inference.services.admit import Admission, Callable, PriceChanged, prepare, refusal
from inference.services.cancel import after_cancel, cancel_parameters
from inference.statements import PredictionView
from marketplace.accounts.selectors import Caller
from marketplace.api import replicate
from marketplace.api.front.authentication import authenticate
from marketplace.api.front.http import Request, Response, json_response
from marketplace.api.front.resources import Resources, in_thread
from marketplace.catalog.domain import Reference
from marketplace.catalog.services import call
from marketplace.core.ids import parse_short
from marketplace.core.problems import NotFound

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0  # a wake-up can be lost; whoever waits looks this often


async def create(
    request: Request, resources: Resources, *, owner: str | None = None, name: str | None = None
) -> Response:
    """`POST /v1/predictions` and `POST /v1/models/{owner}/{name}/predictions`, with `Prefer: wait[=seconds]`."""
    caller = await authenticate(request)
    body = await request.json()
    reference = Reference(owner, name) if owner and name else await in_thread(replicate.reference_in, body)
    seconds = replicate.wait_seconds(request.header("prefer"))
    waiter = resources.waker.channel if seconds else None
    inputs = body.get("input", {})
    try:
        target = await _resolve(reference)
        admission = prepare(caller=caller, target=target, inputs=inputs, origin=Origin.API, waiter=waiter)
        return await _admit(resources, caller, target, admission, seconds)
    except PriceChanged:
        call.forget(reference)  # our snapshot was old: rate the call anew, once
        target = await _resolve(reference)
        admission = prepare(caller=caller, target=target, inputs=inputs, origin=Origin.API, waiter=waiter)
        return await _admit(resources, caller, target, admission, seconds)


async def get(request: Request, resources: Resources, *, id: str) -> Response:
    """`GET /v1/predictions/{id}`"""
    caller = await authenticate(request)
    return json_response(replicate.prediction_document(await view_for(resources, caller, _parse(id))))


async def cancel(request: Request, resources: Resources, *, id: str) -> Response:
    """`POST /v1/predictions/{id}/cancel`"""
    caller = await authenticate(request)
    prediction = _parse(id)
    await view_for(resources, caller, prediction)
    row = await resources.fetch_one(statements.CANCEL, cancel_parameters(caller.organization_id, prediction))
    if row is None:
        raise NotFound("There is no such prediction")
    await asyncio.to_thread(after_cancel, prediction, row["status"], row["node"], row["waiter"])
    return json_response(replicate.prediction_document(await view_for(resources, caller, prediction)))


async def view_for(resources: Resources, caller: Caller, prediction: uuid.UUID) -> PredictionView:
    """The caller's prediction; the same statement asks whether the key still counts. Raises NotFound."""
    row = await resources.fetch_one(
        statements.VIEW_FOR_BUYER,
        {"id": prediction, "organization": caller.organization_id, "key": caller.key_id},
    )
    if row is None:
        raise NotFound("There is no such prediction")
    return PredictionView.from_row(row)


def _parse(id_: str) -> uuid.UUID:
    prediction = parse_short(id_)
    if prediction is None:
        raise NotFound("There is no such prediction")
    return prediction


async def _resolve(reference: Reference) -> Callable:
    target = call.kept(reference)
    return target if target is not None else await in_thread(call.resolve, reference)


async def _admit(
    resources: Resources, caller: Caller, target: Callable, admission: Admission, seconds: int | None
) -> Response:
    async with resources.waker.end_of(admission.id) as ended:
        row: dict[str, Any] | None = await resources.fetch_one(statements.ADMIT, admission.parameters)
        assert row is not None
        if problem := refusal(row["inference_admit"], admission=admission, target=target):
            raise problem
        await resources.ring(target.version)
        if seconds is None:
            view = await view_for(resources, caller, admission.id)
            return json_response(replicate.prediction_document(view), status=201)
        view = await _wait(resources, caller, admission.id, ended, seconds)
    if view.status.is_final:
        return json_response(replicate.prediction_document(view), status=201)
    await resources.execute(statements.STOP_WAITING, {"id": admission.id})
    return json_response(replicate.prediction_document(view, status=Status.STARTING), status=202)


async def _wait(
    resources: Resources, caller: Caller, prediction: uuid.UUID, ended: asyncio.Event, seconds: float
) -> PredictionView:
    """The prediction when it has ended, or as it is when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        left = deadline - time.monotonic()
        try:
            async with asyncio.timeout(max(0.0, min(left, LOOK_SECONDS))):
                await ended.wait()
        except TimeoutError:
            pass
        ended.clear()
        view = await view_for(resources, caller, prediction)
        if view.status.is_final or left <= 0:
            return view
