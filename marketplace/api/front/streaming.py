"""Server-sent events of one prediction: Replicate's four kinds, and the more detailed ones for this site's pages."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson
import redis

from inference import read_models
from inference.domain.lifecycle import Status
from inference.read_models import PredictionView
from inference.services.wakeups import progress_key
from marketplace.api import replicate
from marketplace.api.front.authentication import authenticate, holds_link
from marketplace.api.front.http import Request, Response
from marketplace.api.front.resources import Resources
from marketplace.api.front.running import view_for
from marketplace.core.ids import parse_short
from marketplace.core.problems import NotFound

KEEP_ALIVE_SECONDS = 10.0
MAX_STREAM_SECONDS = 3600.0
HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


async def events(request: Request, resources: Resources, *, id: str) -> Response:
    """`GET /v1/predictions/{id}/events`: `state`, `progress` and `done`, replayable by `Last-Event-ID`."""
    prediction = await _authorized(request, resources, id)
    after = request.header("last-event-id") or "0"
    return Response(stream=_events(resources, prediction, after=after), headers=HEADERS)


async def stream(request: Request, resources: Resources, *, id: str) -> Response:
    """`GET /v1/predictions/{id}/stream`: Replicate's `logs`, `output`, `error` and `done`."""
    prediction = await _authorized(request, resources, id)
    return Response(stream=_replicate_events(resources, prediction), headers=HEADERS)


async def _authorized(request: Request, resources: Resources, id_: str) -> PredictionView:
    """The prediction, for a request with its signed link or its buyer's key."""
    prediction = parse_short(id_)
    if prediction is None:
        raise NotFound("There is no such prediction")
    if not holds_link(request):
        return await view_for(resources, await authenticate(request), prediction)
    return await _view(resources, prediction)


async def _view(resources: Resources, prediction: uuid.UUID) -> PredictionView:
    row = await resources.fetch_one(read_models.VIEW_BY_LINK, {"id": prediction})
    if row is None:
        raise NotFound("There is no such prediction")
    return PredictionView.from_row(row)


async def _events(resources: Resources, view: PredictionView, *, after: str) -> AsyncIterator[bytes]:
    yield _event("state", {"status": view.status, "cause": _cause(view), "queue_seconds": view.queue_seconds})
    async for kind, id_, data in _news(resources, view, after=after):
        yield _event(kind, data, id_)


async def _replicate_events(resources: Resources, view: PredictionView) -> AsyncIterator[bytes]:
    """Replicate's client requires an id for each event and knows no other kinds."""
    count = 0
    async for kind, _, data in _news(resources, view, after="0"):
        if kind == "progress":
            yield _text_event("logs", f"step {data['step']} of {data['steps']}\n", str(count))
        elif kind == "done":
            for text in _outputs(data["output"]):
                yield _text_event("output", text, str(count))
                count += 1
            if data["status"] == Status.FAILED:
                yield _text_event("error", data["error"] or "failed", str(count))
            reason = {"canceled": {"reason": "canceled"}, "failed": {"reason": "error"}}.get(data["status"], {})
            yield _text_event("done", orjson.dumps(reason).decode(), str(count + 1))
        count += 1


def _outputs(output: Any) -> list[str]:
    """The texts of the output events: one for each file, or one with any other value as JSON."""
    return output if isinstance(output, list) else [orjson.dumps(output).decode()] if output is not None else []


async def _news(
    resources: Resources, view: PredictionView, *, after: str
) -> AsyncIterator[tuple[str, str, Mapping[str, Any]]]:
    """Progress from Redis as it arrives, then `done` with the document, which is always read from the database."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + MAX_STREAM_SECONDS
    async with resources.waker.news_of(view.id) as news:
        while loop.time() < deadline:
            for id_, kind, data in await _progress(resources, view.id, after):
                after = id_
                yield kind, id_, data
            view = await _view(resources, view.id)
            if view.status.is_final:
                yield "done", after, replicate.prediction_document(view)
                return
            try:
                async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                    await news.wait()
            except TimeoutError:
                yield "ping", after, {}
            news.clear()


async def _progress(resources: Resources, prediction: uuid.UUID, after: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Entries of the prediction's stream after the id `after`; none if Redis fails or the id is not valid."""
    try:
        entries: Any = await resources.redis.xrange(progress_key(prediction), min=f"({after}" if after != "0" else "-")
    except redis.RedisError:
        return []
    return [(id_.decode(), fields[b"kind"].decode(), orjson.loads(fields[b"data"])) for id_, fields in entries]


def _cause(view: PredictionView) -> str:
    return {Status.STARTING: "waiting for a node", Status.PROCESSING: "running"}.get(view.status, view.status.value)


def _event(kind: str, data: Mapping[str, Any], id_: str = "") -> bytes:
    return _text_event(kind, orjson.dumps(data).decode(), id_)


def _text_event(kind: str, data: str, id_: str = "") -> bytes:
    lines = "".join(f"data: {line}\n" for line in data.split("\n"))
    return f"event: {kind}\n{f'id: {id_}' + chr(10) if id_ else ''}{lines}\n".encode()
