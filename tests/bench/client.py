"""A lightweight HTTP/1.1 client: one persistent connection a caller, so that the load generator costs little."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Connection(asyncio.Protocol):
    """One persistent connection, one request at a time; supports only answers with a Content-Length.

    It is opened by the first request, and again by the first one after a pause in which the server closed it.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._received = bytearray()
        self._wanted: int | None = None
        self._status = 0
        self._answer: asyncio.Future[Answer] | None = None
        self._transport: asyncio.Transport | None = None

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    async def post(self, path: str, document: object, headers: Mapping[str, str] | None = None) -> Answer:
        body = json.dumps(document, separators=(",", ":")).encode()
        return await self._ask("POST", path, body, {"Content-Type": "application/json"} | dict(headers or {}))

    async def get(self, path: str) -> Answer:
        return await self._ask("GET", path, b"", {})

    async def _ask(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        loop = asyncio.get_running_loop()
        if self._transport is None or self._transport.is_closing():
            await loop.create_connection(lambda: self, "127.0.0.1", self._port)
        assert self._transport is not None
        lines = [f"{method} {path} HTTP/1.1", f"Host: localhost:{self._port}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._answer = loop.create_future()
        self._transport.write("\r\n".join([*lines, "", ""]).encode() + body)
        async with asyncio.timeout(90):
            return await self._answer

    # --- asyncio.Protocol ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._wanted is None:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return
            self._read_head(bytes(self._received[:end]).lower())
            del self._received[: end + 4]
        if self._wanted is not None and len(self._received) >= self._wanted:
            answer = Answer(self._status, bytes(self._received[: self._wanted]))
            del self._received[: self._wanted]
            self._wanted = None
            if self._answer is not None and not self._answer.done():
                self._answer.set_result(answer)

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionResetError("the server closed the connection"))

    def _read_head(self, head: bytes) -> None:
        start, *lines = head.split(b"\r\n")
        self._status = int(start.split(b" ", 2)[1])
        headers = dict(line.split(b":", 1) for line in lines)
        self._wanted = int(headers[b"content-length"])
