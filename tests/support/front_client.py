"""A client of the async front within this process: requests as ASGI messages, without a server."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from marketplace.api.front.app import Application, Front
from marketplace.api.front.request_ids import RequestIds
from tests.support.documented import assert_documented


@dataclass(frozen=True)
class Answer:
    """`headers` are those that differ from one answer to the next for a reason; each answer has its `request_id`."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    request_id: str

    def json(self) -> Any:
        return json.loads(self.body)


FALLEN_THROUGH = 299


async def fall_through(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Replaces Django: answers 299 with the request's method and path."""
    await send({"type": "http.response.start", "status": FALLEN_THROUGH, "headers": []})
    await send({"type": "http.response.body", "body": f"{scope['method']} {scope['path']}".encode()})


class FrontClient:
    """A started front. Its loop runs while a request is answered.

    Every answer is held against the API document, and must have a request id.

    Args:
        django: answers what is not the front's.
    """

    def __init__(self, django: Application = fall_through) -> None:
        self.front = Front(django)
        self._application = RequestIds(self.front)
        self._runner = asyncio.Runner()
        self._life: asyncio.Queue[dict[str, str]] | None = None

    def start(self) -> None:
        async def begin() -> None:
            self._life, started = asyncio.Queue(), asyncio.Event()

            async def send(message: dict[str, Any]) -> None:
                assert not message["type"].endswith("failed"), message
                started.set()

            self._living = asyncio.create_task(self.front({"type": "lifespan"}, self._life.get, send))
            await self._life.put({"type": "lifespan.startup"})
            await started.wait()

        self._runner.run(begin())

    def stop(self) -> None:
        async def end() -> None:
            if self._life is not None:
                await self._life.put({"type": "lifespan.shutdown"})
                await self._living

        self._runner.run(end())
        self._runner.close()

    def request(
        self,
        method: str,
        address: str,
        body: Any = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        pieces: Sequence[bytes] | None = None,
    ) -> Answer:
        """Send one request; `body` is bytes or becomes JSON, `pieces` is a chunked body."""
        return self._runner.run(self._request(method, address, body, key, headers or {}, pieces))

    async def _request(
        self,
        method: str,
        address: str,
        body: Any,
        key: str | None,
        headers: Mapping[str, str],
        pieces: Sequence[bytes] | None,
    ) -> Answer:
        parts = urlsplit(address)
        sent = dict(headers) | ({"authorization": f"Bearer {key}"} if key else {})
        scope = {
            "type": "http",
            "method": method,
            "path": unquote(parts.path),
            "query_string": parts.query.encode(),
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in sent.items()],
        }
        if pieces is None:
            pieces = [body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()]
        coming = list(pieces)
        messages: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if not coming:
                await asyncio.Event().wait()  # the client stays connected
            return {"type": "http.request", "body": coming.pop(0), "more_body": bool(coming)}

        async def send(message: dict[str, Any]) -> None:
            messages.append(message)

        async with asyncio.timeout(30):
            await self._application(scope, receive, send)
        start, *rest = messages
        names = [name.decode().lower() for name, _ in start["headers"] if name.lower() != b"set-cookie"]
        assert len(set(names)) == len(names), f"a header was sent twice: {names}"
        assert not rest[-1].get("more_body")
        values = {name.decode().lower(): value.decode("latin-1") for name, value in start["headers"]}
        answer = Answer(
            start["status"], values, b"".join(message.get("body", b"") for message in rest), values.pop("x-request-id")
        )
        if method != "HEAD" and answer.status != FALLEN_THROUGH:
            content_type = values.get("content-type", "")
            assert_documented(method, scope["path"], answer.status, content_type=content_type, body=answer.body)
        return answer
