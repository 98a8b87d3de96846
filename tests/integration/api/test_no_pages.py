"""Below the API's roots every answer is a document, whatever is asked and however."""

import json
from collections.abc import Iterator
from urllib.parse import unquote

import pytest
from django.core.asgi import get_asgi_application
from django.test import override_settings
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from marketplace.api.front.routing import PARAMETER
from marketplace.api.routes import ROOTS, ROUTES
from tests.integration.api.conftest import Buyer
from tests.support.front_client import Answer, FrontClient

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "QUERY", "BREW"]
ODD = ["x", "", ".", "..", "%2F", "%00", "%FF%FE", "%F0%9F%92%A3", "%25", "a%0D%0Ab", "'\"<b>", "x" * 3_000, "é", "%3F"]
TEMPLATES = sorted({route.template for route in ROUTES if route.template.startswith(tuple(ROOTS))} | set(ROOTS))
HEADERS = {
    "host": ["localhost", "evil.example", "", "localhost:99999", "<script>", "[::1", "a" * 300],
    "accept": ["text/html", "*/*", "image/png", "application/json;q=0", "garbage", ";;;,,,"],
    "content-type": ["application/json", "text/html", "multipart/form-data", "multipart/form-data; boundary=x", "\xff"],
    "content-length": ["0", "-1", "x", "99999999999"],
    "authorization": ["Bearer bourse_none", "Basic YTpi", "{key}", "\xff", "Bearer"],
    "cookie": ["sessionid=x; csrftoken=y", "\xff=\xff", ";;;"],
    "origin": ["https://evil.example"],
    "x-forwarded-proto": ["https"],
    "x-http-method-override": ["DELETE"],
    "x-requested-with": ["XMLHttpRequest"],
    "range": ["bytes=0-1", "bytes=9-1"],
    "transfer-encoding": ["chunked"],
    "x-request-id": ["own-1", "\xff", ""],
}  # fmt: skip
BODIES = [
    b"",
    b"{}",
    b"[]",
    b"\xff\xfe",
    b'{"input": {"prompt": "\\u0000"}}',
    b"[" * 5_000,
    b"a=b",
    b"--x\r\n\r\n--x--",
]


@st.composite
def addresses(draw: st.DrawFn) -> str:
    """An address below one of the roots: of a route with odd names in it, perhaps with something more or less."""
    segments = st.sampled_from(ODD) | st.text(max_size=8).map(
        lambda text: "".join(f"%{byte:02X}" for byte in text.encode())
    )
    template = draw(st.sampled_from(TEMPLATES))
    path = PARAMETER.sub(lambda match: draw(segments), template)
    below = st.sampled_from(["", "/", "//", "/x", "/../x", "%2Fx", "/index.html"])
    path += draw(below if template in ROOTS else below | st.just(".json"))
    return path + draw(
        st.sampled_from(["", "?", "?format=html", "?format=api", "?cursor=%00", "?a=1&a=2;%FF", "?signature=x"])
    )


@pytest.fixture(scope="module")
def site(django_db_blocker) -> Iterator[FrontClient]:  # type: ignore[no-untyped-def]
    """The front before the real Django."""
    from django.db import connections

    with django_db_blocker.unblock():
        front_client = FrontClient(get_asgi_application())
        front_client.start()
        yield front_client
        front_client.stop()
        connections.close_all()


def assert_document(answer: Answer, method: str, path: str) -> None:
    content_type = answer.headers.get("content-type", "")
    assert "html" not in content_type, (answer.status, content_type)
    assert answer.status < 500, answer.body
    assert not 300 <= answer.status < 400 or answer.status in (302, 304), answer.headers
    assert answer.request_id
    if answer.status < 400 or method == "HEAD":
        return
    document = json.loads(answer.body)
    if path.startswith("/openai/v1"):
        assert (content_type, document.keys()) == ("application/json", {"error"})
    elif content_type == "application/json":
        assert path.startswith("/api/"), "only the Hub's protocol has refusals of another form"
        assert "error" in document
    else:
        assert content_type == "application/problem+json"
        assert document["status"] == answer.status
        assert document["request_id"] == answer.request_id
    if answer.status == 405:
        assert answer.headers["allow"]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(METHODS),
    address=addresses(),
    headers=st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in HEADERS.items()}),
    body=st.sampled_from(BODIES),
)
@example(method="GET", address="/v1/account", headers={"host": "evil.example"}, body=b"")
@example(method="GET", address="/v1/account", headers={"accept": "text/html"}, body=b"")
@example(method="GET", address="/v1/models", headers={"accept": "image/png"}, body=b"")
@example(method="QUERY", address="/v1/models", headers={"content-length": "99999999999"}, body=b"")
@example(method="PUT", address="/v1/aliases/x", headers={"content-type": "text/html"}, body=b"<b>")
@example(method="TRACE", address="/openai/v1/models", headers={}, body=b"")
@example(method="OPTIONS", address="/v1/%2Fmodels%00/", headers={"origin": "https://evil.example"}, body=b"")
def test_whatever_is_asked_is_answered_with_a_document(
    site: FrontClient, buyer: Buyer, method: str, address: str, headers: dict[str, str], body: bytes
):
    headers = {name: value.replace("{key}", f"Bearer {buyer.key}") for name, value in headers.items()}
    answer = site.request(method, address, body, headers={"host": "localhost"} | headers)
    assert_document(answer, method, unquote(address))


@pytest.mark.parametrize("debug", [False, True])
def test_a_host_that_is_not_ours_is_refused_with_a_document(site: FrontClient, debug: bool):
    with override_settings(DEBUG=debug):
        answer = site.request("GET", "/v1/models", headers={"host": "evil.example", "accept": "text/html"})
        head = site.request("HEAD", "/v1/models", headers={"host": "evil.example"})
    assert (answer.status, answer.json()["type"]) == (400, "/docs/errors#bad-request")
    assert (head.status, head.body) == (400, b"")


def test_too_many_fields_are_the_callers_mistake(site: FrontClient, buyer: Buyer):
    query = "&".join(f"a{number}=1" for number in range(2_000))
    answer = site.request("GET", f"/v1/predictions?{query}", key=buyer.key, headers={"host": "localhost"})
    assert (answer.status, answer.json()["type"]) == (400, "/docs/errors#bad-request")


def test_pages_are_still_pages(site: FrontClient):
    answer = site.request("GET", "/nobody/nothing", headers={"host": "localhost"})
    assert (answer.status, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert answer.request_id
