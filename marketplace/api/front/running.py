"""Admitting a call and waiting for its end, as every dialect does it; waiting holds no thread."""

import asyncio
import time
import uuid
from typing import Any

from inference import statements
from inference.domain.files import media_fields
from inference.domain.lifecycle import Origin
from inference.services.admit import Callable, PriceChanged, prepare, refusal
from inference.services.files import take_files
from inference.statements import PredictionView
from marketplace.accounts.selectors import Caller
from marketplace.api.front.resources import Resources, in_thread
from marketplace.catalog.domain import Reference
from marketplace.catalog.services import call
from marketplace.core.problems import NotAuthenticated, NotFound, NotUnderstood

KEY_VALID = "SELECT accounts_key_valid(%(key)s, %(organization)s) AS valid"
LOOK_SECONDS = 2.0  # a wake-up can be lost; whoever waits looks this often


async def run(
    resources: Resources, caller: Caller, reference: Reference, inputs: Any, *, wait_seconds: float | None
) -> PredictionView:
    """Admit a prediction and, if asked to, wait for its end.

    Args:
        wait_seconds: how long to wait at most; None answers as soon as the prediction is on disk.

    Returns:
        the prediction, ended or as it was when the time was over. Either way it is on disk.

    Raises:
        Problem: refused; nothing was stored and nothing is held.
    """
    try:
        return await _run(resources, caller, await _resolve(reference), inputs, wait_seconds)
    except PriceChanged:
        call.forget(reference)  # our snapshot was old: rate the call anew, once
        return await _run(resources, caller, await _resolve(reference), inputs, wait_seconds)


async def view_for(resources: Resources, caller: Caller, prediction: uuid.UUID) -> PredictionView:
    """The caller's prediction; the same statement asks whether the key still counts.

    Raises:
        NotFound: there is no such prediction, or it is another's.
        NotAuthenticated: the key was revoked since its snapshot was taken.
    """
    row = await resources.fetch_one(
        statements.VIEW_FOR_BUYER,
        {"id": prediction, "organization": caller.organization_id, "key": caller.key_id},
    )
    if row is None:
        valid = await resources.fetch_one(KEY_VALID, {"key": caller.key_id, "organization": caller.organization_id})
        if valid is None or not valid["valid"]:
            raise NotAuthenticated("This API key was revoked; make a new one under API keys in the console.")
        raise NotFound("There is no such prediction")
    return PredictionView.from_row(row)


async def _resolve(reference: Reference) -> Callable:
    target = call.kept(reference)
    return target if target is not None else await in_thread(call.resolve, reference)


async def _files(caller: Caller, target: Callable, inputs: Any) -> dict[str, Any]:
    """What the call's files are, found out in a thread if the model takes any."""
    if not media_fields(target.check.schema):
        return {}
    return await in_thread(take_files, caller=caller, check=target.check, inputs=inputs)


async def _run(
    resources: Resources, caller: Caller, target: Callable, inputs: Any, wait_seconds: float | None
) -> PredictionView:
    waiter = resources.waker.channel if wait_seconds is not None else None
    try:
        files = await _files(caller, target, inputs)
        admission = prepare(caller=caller, target=target, inputs=inputs, files=files, origin=Origin.API, waiter=waiter)
    except RecursionError:
        raise NotUnderstood("The input is nested too deeply; no model takes such a value.") from None
    # The event is asked for before the prediction exists, so that its end cannot be missed.
    async with resources.waker.end_of(admission.id) as ended:
        row = await resources.fetch_one(statements.ADMIT, admission.parameters)
        assert row is not None
        if problem := refusal(row["inference_admit"], admission=admission, target=target):
            raise problem
        await resources.ring(target.version)
        if wait_seconds is None:
            return await view_for(resources, caller, admission.id)
        view = await _wait(resources, caller, admission.id, ended, wait_seconds)
    if not view.status.is_final:
        await resources.execute(statements.STOP_WAITING, {"id": admission.id})
    return view


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
