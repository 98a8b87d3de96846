"""The front's documents as gzip, where the client accepts it and it is worth it."""

import gzip
import json

import pytest

from inference.links import artifact_path
from marketplace.api.front.compression import compressed
from marketplace.api.front.http import Request, Response, json_response
from marketplace.core.compression import MIN_DOCUMENT_BYTES
from tests.integration.api.conftest import Buyer
from tests.integration.api.test_files import finish
from tests.support.front_client import FrontClient
from tests.support.pictures import picture

GZIP = {"Accept-Encoding": "gzip, deflate"}
SCHEMA = "/api/schema/"
LONG = {"text": "a fox " * MIN_DOCUMENT_BYTES}


def request(method: str = "GET", encoding: str | None = "gzip") -> Request:
    headers = [] if encoding is None else [(b"accept-encoding", encoding.encode())]

    async def receive() -> dict[str, object]:
        return {"type": "http.disconnect"}

    return Request({"method": method, "path": "/", "headers": headers, "query_string": b""}, receive)


async def sent(response: Response, *, head_only: bool = False) -> tuple[dict[str, str], bytes]:
    messages: list[dict[str, object]] = []

    async def send(message: dict[str, object]) -> None:
        messages.append(message)

    await response.send(send, head_only=head_only)
    headers = {name.decode(): value.decode() for name, value in messages[0]["headers"]}  # type: ignore[attr-defined]
    return headers, b"".join(message.get("body", b"") for message in messages)  # type: ignore[misc]


async def test_a_long_document_is_compressed():
    plain = json_response(LONG, headers={"X-Other": "1"})
    headers, body = await sent(await compressed(request(), plain))
    assert json.loads(gzip.decompress(body)) == LONG
    assert headers == {
        "content-type": "application/json",
        "x-other": "1",
        "vary": "Accept-Encoding",
        "content-encoding": "gzip",
        "x-content-type-options": "nosniff",
        "content-length": str(len(body)),
    }
    assert len(body) < len(plain.body) / 10
    head, nothing = await sent(await compressed(request("HEAD"), plain), head_only=True)
    assert (head, nothing) == (headers, b"")


@pytest.mark.parametrize("encoding", [None, "", "identity", "br", "gzip;q=0"])
async def test_a_client_that_does_not_accept_gzip_gets_the_plain_document(encoding: str | None):
    headers, body = await sent(await compressed(request(encoding=encoding), json_response(LONG)))
    assert json.loads(body) == LONG
    assert "content-encoding" not in headers
    assert headers["vary"] == "Accept-Encoding"


async def test_short_documents_pictures_and_streams_are_left_as_they_are():
    async def pieces():  # type: ignore[no-untyped-def]
        yield b"data: 1\n\n" * MIN_DOCUMENT_BYTES

    for response in (
        json_response({"a": "b" * (MIN_DOCUMENT_BYTES - 9)}),
        Response(body=bytes(MIN_DOCUMENT_BYTES * 2), headers={"Content-Type": "image/png"}),
        Response(body=bytes(MIN_DOCUMENT_BYTES * 2)),
        Response(stream=pieces(), headers={"Content-Type": "text/event-stream"}),
        Response(304, headers={"Content-Type": "application/json", "ETag": '"x"'}),
    ):
        assert await compressed(request(), response) is response


def test_the_api_document_is_compressed_and_a_prediction_is_not(
    front_client: FrontClient, buyer: Buyer, listing, address: str
):  # type: ignore[no-untyped-def]
    plain = front_client.request("GET", SCHEMA)
    head = front_client.request("HEAD", SCHEMA, headers=GZIP)
    assert head.headers["content-encoding"] == "gzip"
    assert int(head.headers["content-length"]) < len(plain.body) / 4
    made = front_client.request("POST", address, {"input": {"prompt": "x"}}, key=buyer.key, headers=GZIP)
    assert (made.status, made.headers.get("content-encoding")) == (201, None)
    artifact = finish(listing, picture(90, 80))
    file = front_client.request("GET", artifact_path(artifact.pk), headers=GZIP)
    assert (file.body, file.headers.get("content-encoding")) == (picture(90, 80), None)
