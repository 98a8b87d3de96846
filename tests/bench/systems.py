"""The calls of each compared system over HTTP, for `load.run`. A wrong answer ends the bench."""

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.bench.client import Answer, Connection
from tests.bench.load import Call

HERO = {"num_inference_steps": 12, "guidance_scale": 2.5}
DRAFT = {"num_inference_steps": 4, "guidance_scale": 1.0}
PROMPT = "a red heart with a white outline on a navy background"
TEXT = "x" * 100


class WrongAnswer(Exception):
    """A system returned a wrong answer."""


@dataclass
class Seeds:
    """Numbers that occur once in a run, so that no picture or text was made before."""

    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1_000))

    def order(self, quality: Mapping[str, float]) -> dict[str, Any]:
        """A picture to generate."""
        return {"prompt": PROMPT, "seed": next(self._numbers), **quality}

    def text(self) -> str:
        return f"{next(self._numbers):0100d}"


class Bourse:
    """Callers of one market; counts the successful predictions of each model."""

    def __init__(self, port: int) -> None:
        self.acknowledged: dict[str, int] = {}
        self._port = port
        self._connections: list[Connection] = []

    def echo(self, model: str, key: str, *, seeds: Seeds | None = None) -> Call:
        """A caller of the echo model; with `seeds`, every text is new, so that every output is a new file to store."""
        connection = self._connection()

        async def call() -> None:
            await self._predict(connection, model, key, {"text": seeds.text() if seeds else TEXT})

        return call

    def picture(self, model: str, key: str, seeds: Seeds, quality: Mapping[str, float], *, fetch: bool) -> Call:
        """A caller that requests pictures and, with `fetch`, downloads each."""
        connection = self._connection()

        async def call() -> None:
            document = await self._predict(connection, model, key, seeds.order(quality))
            if fetch:
                url = urlsplit(document["output"][0])
                picture = await connection.get(f"{url.path}?{url.query}")
                if picture.status != 200 or not picture.body.startswith(b"\x89PNG"):
                    raise WrongAnswer(f"no picture: {picture.status}")

        return call

    async def _predict(self, connection: Connection, model: str, key: str, inputs: Mapping[str, Any]) -> Any:
        headers = {"Authorization": f"Bearer {key}", "Prefer": "wait"}
        answer = await connection.post(f"/v1/models/{model}/predictions", {"input": inputs}, headers)
        document = answer.json() if answer.status == 201 else {"status": "refused"}
        if document["status"] != "succeeded":
            raise WrongAnswer(f"{model}: {answer.status} {answer.body[:500]!r}")
        self.acknowledged[model] = self.acknowledged.get(model, 0) + 1
        return document

    def _connection(self) -> Connection:
        connection = Connection(self._port)
        self._connections.append(connection)
        return connection

    def close(self) -> None:
        for connection in self._connections:
            connection.close()


def litserve_echo(port: int) -> Call:
    """A caller of LitServe's echo."""
    connection = Connection(port)

    async def call() -> None:
        answer = await connection.post("/predict", {"text": TEXT})
        if answer.status != 200 or answer.json() != {"text": TEXT}:
            raise _wrong(answer)

    return call


def litserve_picture(port: int, seeds: Seeds) -> Call:
    """A caller of LitServe's pictures; its answer contains the picture."""
    connection = Connection(port)

    async def call() -> None:
        answer = await connection.post("/predict", seeds.order(HERO))
        if answer.status != 200 or not json.loads(answer.body)["image"]:
            raise _wrong(answer)

    return call


def orders(seeds: Seeds, quality: Mapping[str, float], count: int) -> Sequence[Mapping[str, Any]]:
    """Requests for the bare loop."""
    return [seeds.order(quality) for _ in range(count)]


def _wrong(answer: Answer) -> WrongAnswer:
    return WrongAnswer(f"LitServe: {answer.status} {answer.body[:500]!r}")
