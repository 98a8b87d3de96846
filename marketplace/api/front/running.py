"""Admits a call and waits for its end, for every dialect; waiting occupies no thread."""

import asyncio
import time
import uuid
from typing import Any

from inference import read_models, sql
from inference.domain.conditions import UNCONDITIONAL, Conditions, Idempotency
from inference.domain.files import media_fields
from inference.domain.lifecycle import Origin
from inference.read_models import PredictionView
from inference.services.admit import AbovePrice, CallTarget, PriceChanged, key_reused, prepare, refusal
from inference.services.files import take_files
from marketplace.accounts import policy
from marketplace.accounts.domain import Actor
from marketplace.accounts.policy import Action
from marketplace.api.front.resources import Resources, in_thread
from marketplace.catalog.domain import Reference
from marketplace.catalog.services import resolution
from marketplace.core.problems import NotAuthenticated, NotFound, NotUnderstood

KEY_VALID = "SELECT accounts_key_valid(%(key)s, %(organization)s) AS valid"
LOOK_SECONDS = 2.0  # a wake-up can be lost, so waiting requests query at this interval


async def run(
    resources: Resources,
    caller: Actor,
    reference: Reference,
    inputs: Any,
    *,
    wait_seconds: float | None,
    conditions: Conditions = UNCONDITIONAL,
) -> PredictionView:
    """Admit a prediction and, if asked to, wait for its end.

    Args:
        wait_seconds: the maximum wait; None: return as soon as the prediction is on disk.

    Returns:
        the prediction, ended or in its state when the wait expired. Either way it is on disk. With an idempotency key
        that was used for the same request, it is the first prediction, even if the model has changed since.

    Raises:
        Problem: refused; nothing was stored and nothing is held.
    """
    if conditions.idempotency is not None:
        first = await _admitted_before(resources, caller, conditions.idempotency)
        if first is not None:
            return await _replay(resources, caller, first, wait_seconds)
    try:
        target = await _resolve(reference, conditions, caller)
        return await _run(resources, caller, target, inputs, conditions, wait_seconds)
    except (PriceChanged, AbovePrice):
        # The snapshot is or may be outdated: rate the call again, once.
        resolution.forget(reference, organization_id=caller.organization_id)
        target = await _resolve(reference, conditions, caller)
        return await _run(resources, caller, target, inputs, conditions, wait_seconds)


async def view_for(resources: Resources, caller: Actor, prediction: uuid.UUID) -> PredictionView:
    """The caller's prediction; the same statement checks whether the key is still valid.

    Raises:
        Forbidden: see `policy.check`.
        NotFound: there is no such prediction, or it is another organisation's.
        NotAuthenticated: the key was revoked since its snapshot was taken.
    """
    policy.check(caller, Action.SEE_PREDICTIONS)
    row = await resources.fetch_one(
        read_models.VIEW_FOR_BUYER,
        {"id": prediction, "organization": caller.organization_id, "key": caller.key_id},
    )
    if row is None:
        valid = await resources.fetch_one(KEY_VALID, {"key": caller.key_id, "organization": caller.organization_id})
        if valid is None or not valid["valid"]:
            raise NotAuthenticated("This API key was revoked; make a new one under API keys in the console.")
        raise NotFound("There is no such prediction")
    return PredictionView.from_row(row)


async def _resolve(reference: Reference, conditions: Conditions, caller: Actor) -> CallTarget:
    organization = caller.organization_id
    target = resolution.kept(reference, organization_id=organization)
    if target is None:
        target = await in_thread(resolution.resolve, reference, organization_id=organization)
    if conditions.contract is None:
        return target
    return await in_thread(resolution.under_contract, target, conditions.contract, caller)


async def _admitted_before(resources: Resources, caller: Actor, idempotency: Idempotency) -> uuid.UUID | None:
    """The id of the earlier prediction of this key and request, if any. Raises IdempotencyKeyReused."""
    row = await resources.fetch_one(
        read_models.ADMITTED_BEFORE, {"organization": caller.organization_id, "key": idempotency.key}
    )
    if row is None:
        return None
    if row["request_hash"] != idempotency.request_hash:
        raise key_reused()
    prediction: uuid.UUID = row["prediction"]
    return prediction


async def _replay(
    resources: Resources, caller: Actor, prediction: uuid.UUID, wait_seconds: float | None
) -> PredictionView:
    """The first prediction again, as it is now or when it has ended. Other requests may wait for it too."""
    if wait_seconds is None:
        return await view_for(resources, caller, prediction)
    async with resources.waker.news_of(prediction) as news:
        news.set()  # it may have ended already
        return await _wait(resources, caller, prediction, news, wait_seconds)


async def _files(caller: Actor, target: CallTarget, inputs: Any) -> dict[str, Any]:
    """The file references of the call, resolved in a thread if the model takes files."""
    if not media_fields(target.check.schema):
        return {}
    return await in_thread(take_files, caller=caller, check=target.check, inputs=inputs)


async def _run(
    resources: Resources,
    caller: Actor,
    target: CallTarget,
    inputs: Any,
    conditions: Conditions,
    wait_seconds: float | None,
) -> PredictionView:
    reply_channel = resources.waker.channel if wait_seconds is not None else None
    try:
        files = await _files(caller, target, inputs)
        admission = prepare(
            caller=caller,
            target=target,
            inputs=inputs,
            files=files,
            origin=Origin.API,
            conditions=conditions,
            reply_channel=reply_channel,
        )
    except RecursionError:
        raise NotUnderstood("The input is nested too deeply; no model takes such a value.") from None
    # The event is registered before the prediction exists, so that its end cannot be missed.
    async with resources.waker.end_of(admission.id) as ended:
        row = await resources.fetch_one(sql.ADMIT, admission.parameters)
        assert row is not None
        if problem := refusal(row["outcome"], admission=admission, target=target):
            raise problem
        if row["prediction"] != admission.id:  # a duplicate was admitted first
            return await _replay(resources, caller, row["prediction"], wait_seconds)
        await resources.notify_node(target.version)
        if wait_seconds is None:
            return await view_for(resources, caller, admission.id)
        view = await _wait(resources, caller, admission.id, ended, wait_seconds)
    if not view.status.is_final:
        await resources.execute(sql.STOP_WAITING, {"id": admission.id})
    return view


async def _wait(
    resources: Resources, caller: Actor, prediction: uuid.UUID, ended: asyncio.Event, seconds: float
) -> PredictionView:
    """The prediction when it has ended, or in its state when the time is over."""
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
