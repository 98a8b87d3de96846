"""The HTTP primitives that the front needs on top of ASGI."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import orjson

from marketplace.core.problems import CONTENT_TYPE, NotUnderstood, Problem, TooLarge

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

MAX_BODY_BYTES = 1024 * 1024
MAX_INPUT_BYTES = 8 * 1024 * 1024  # for calls that may include a picture as a data: URI


class Disconnected(Exception):
    """The client disconnected while its request was read."""


class Request:
    """One HTTP request of an ASGI connection."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.scheme: str = scope.get("scheme", "http")
        self._scope = scope
        self._receive = receive

    def header(self, name: str) -> str | None:
        """The first header of this (lower-case) name."""
        wanted = name.encode()
        for key, value in self._scope["headers"]:
            if key == wanted:
                return str(value, "latin-1")
        return None

    def query(self, name: str) -> str:
        """The first value of a query parameter; empty if it is missing.

        Raises:
            NotUnderstood: it contains a NUL, which PostgreSQL's text type cannot.
        """
        values = parse_qs(self._scope["query_string"].decode("latin-1"))
        value = str(values.get(name, [""])[0])
        if "\0" in value:
            raise NotUnderstood(f"The query parameter {name} must not contain NUL characters")
        return value

    async def json(self, *, largest: int = MAX_BODY_BYTES) -> dict[str, Any]:
        """The body as a JSON object.

        Raises:
            TooLarge: more than `largest` bytes.
            NotUnderstood: not JSON, or not an object.
        """
        body = await self.body(largest=largest)
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise NotUnderstood(f'The body is not JSON ({error}). Send an object such as {{"input": {{…}}}}.') from None
        if not isinstance(value, dict):
            raise NotUnderstood('The body must be a JSON object such as {"input": {…}}.')
        return value

    async def body(self, *, largest: int = MAX_BODY_BYTES) -> bytes:
        """The body. Raises TooLarge: more than `largest` bytes."""
        return b"".join([piece async for piece in self.pieces(largest=largest)])

    async def pieces(self, *, largest: int) -> AsyncIterator[bytes]:
        """The body as it arrives.

        Raises:
            TooLarge: more than `largest` bytes; raised before the first piece if Content-Length says so.
        """
        if _is_above(self.header("content-length") or "", largest):
            raise _too_large(largest)
        size, more = 0, True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            piece: bytes = message.get("body", b"")
            size += len(piece)
            if size > largest:
                raise _too_large(largest)
            yield piece
            more = message.get("more_body", False)

    async def disconnected(self) -> None:
        """Return when the client has disconnected."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


def _is_above(number: str, limit: int) -> bool:
    """Whether a decimal text of any length is a larger number than `limit`."""
    digits = number.lstrip("0")
    return number.isascii() and number.isdigit() and (len(digits), digits) > (len(str(limit)), str(limit))


def _too_large(largest: int) -> TooLarge:
    return TooLarge(f"The body may have at most {largest} bytes; upload larger pictures with POST /v1/files")


@dataclass(frozen=True)
class Response:
    """An answer: a whole body, or a stream of pieces."""

    status: int = 200
    body: bytes = b""
    stream: AsyncIterator[bytes] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    async def send(self, send: Send, *, head_only: bool = False) -> None:
        headers = [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in self.headers.items()]
        headers.append((b"x-content-type-options", b"nosniff"))
        if self.stream is None:
            headers.append((b"content-length", str(len(self.body)).encode()))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        if self.stream is not None and not head_only:
            async for piece in self.stream:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"" if head_only else self.body})


def json_response(document: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer with a JSON body."""
    return Response(status, orjson.dumps(document), headers={"Content-Type": "application/json"} | dict(headers or {}))


def problem_response(problem: Problem, *, instance: str) -> Response:
    """A refusal as an RFC 7807 answer."""
    headers = {"Content-Type": CONTENT_TYPE} | dict(problem.headers())
    return Response(problem.status, orjson.dumps(problem.document(instance=instance)), headers=headers)
