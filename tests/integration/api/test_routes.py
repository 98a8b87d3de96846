"""Which requests the front answers, which it refuses, and which it passes to Django."""

from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from inference.models import Node
from marketplace.catalog.models import PendingListing
from marketplace.core import first_models
from marketplace.core.ids import new_id
from tests.integration.api.conftest import Buyer
from tests.support.folders import make_folder
from tests.support.front_client import FrontClient
from tests.support.parties import make_listing


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/models/a/b/predictions", "POST"),
        ("DELETE", "/v1/predictions/x", "GET"),
        ("HEAD", "/v1/predictions/x", "GET"),
        ("GET", "/v1/predictions/x/cancel", "POST"),
        ("POST", "/v1/predictions/x/stream", "GET"),
        ("POST", "/v1/predictions/x/events", "GET"),
        ("DELETE", "/artifacts/x", "GET, HEAD"),
        ("POST", "/healthz", "GET, HEAD"),
        ("POST", "/readyz", "GET, HEAD"),
        ("POST", "/metrics", "GET"),
        ("BREW", "/metrics", "GET"),
        ("DELETE", "/v1/predictions", "POST, GET, HEAD"),
        ("PATCH", "/v1/aliases/x", "PUT, DELETE"),
        ("OPTIONS", "/v1/models", "GET, HEAD, QUERY"),
        ("TRACE", "/api/schema/", "GET, HEAD"),
    ],
)
def test_a_wrong_method_lists_the_allowed_ones(front_client: FrontClient, method: str, path: str, allowed: str):
    answer = front_client.request(method, path)
    assert (answer.status, answer.headers["allow"]) == (405, allowed)
    if method != "HEAD":
        assert answer.json()["detail"] == f"Use {allowed.replace(', ', ' or ')} here"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/predictions"),
        ("QUERY", "/v1/models"),
        ("PUT", "/v1/aliases/x"),
        ("GET", "/"),
        ("GET", "/healthz/"),
        ("GET", "/artifacts/"),
        ("GET", "/V1/predictions/x"),
    ],
)
def test_other_paths_are_passed_to_django(front_client: FrontClient, method: str, path: str):
    answer = front_client.request(method, path)
    assert answer.status == 299
    assert answer.body.decode().startswith(f"{method} ")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/predictions/"),
        ("GET", "/v1/predictions/a/b"),
        ("GET", "/v1/predictions/a%2Fb"),
        ("POST", "/v1/models/a/b/c/predictions"),
        ("GET", "/v1"),
        ("OPTIONS", "/api/schema"),
        ("GET", "/api/nothing"),
    ],
)
def test_what_is_no_address_of_the_api_is_refused_without_django(front_client: FrontClient, method: str, path: str):
    answer = front_client.request(method, path)
    assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["detail"] == f"There is no {unquote(path)} in this API; /docs/api lists its addresses."


def test_what_is_no_address_of_openais_dialect_is_refused_in_it(front_client: FrontClient):
    answer = front_client.request("POST", "/openai/v1/chat/completions")
    assert (answer.status, answer.json()["error"]["code"]) == (404, "not_found")


def test_a_disconnected_client_gets_no_answer(front_client: FrontClient, buyer: Buyer, address: str):
    sent: list[object] = []

    async def leave() -> dict[str, object]:
        return {"type": "http.disconnect"}

    async def send(message: object) -> None:
        sent.append(message)

    before = buyer.state()
    headers = [(b"authorization", f"Bearer {buyer.key}".encode())]
    scope = {"type": "http", "method": "POST", "path": address, "query_string": b"", "headers": headers}
    front_client._runner.run(front_client.front(scope, leave, send))
    assert sent == []
    assert buyer.state() == before


def test_health_names_the_failing_services(front_client: FrontClient, tmp_path: Path):
    Node.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=16))
    answer = front_client.request("GET", "/healthz")
    assert (answer.status, answer.json()) == (
        503,
        {"database": "ok", "redis": "ok", "node": "no node has sent a heartbeat for 15 seconds"},
    )
    assert front_client.request("GET", "/readyz").status == 200
    node = Node.objects.create(id=f"n-{new_id()}", boot=new_id(), device_kind="cpu", device_name="t", memory_bytes=0)
    answer = front_client.request("GET", "/healthz")
    assert (answer.status, answer.json()) == (200, {"database": "ok", "redis": "ok", "node": "ok"})
    assert front_client.request("HEAD", "/healthz").body == b""
    first_models.expect(1_000_000)
    pending = PendingListing.objects.create(version=make_listing(folder=make_folder(tmp_path)).version, unit_price=1)
    answer = front_client.request("GET", "/healthz")
    assert (answer.status, answer.json()["models"]) == (503, "the first ones are being checked by a node")
    assert front_client.request("GET", "/readyz").status == 200
    pending.delete()
    assert front_client.request("GET", "/healthz").status == 200
    figures = {
        family.name: family
        for family in text_string_to_metric_families(front_client.request("GET", "/metrics").body.decode())
    }
    assert figures["bourse_nodes_alive"].samples[0].value == 1
    node.delete()


def test_requests_before_startup_answer_503(database: None):
    front_client = FrontClient()
    answer = front_client.request("GET", "/healthz")
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    front_client.stop()


def test_shutdown_right_after_startup_works(database: None):
    """While it connects, redis-py swallows the cancellation that is to end the waker."""
    for _ in range(10):
        front_client = FrontClient()
        front_client.start()
        front_client.stop()
        assert front_client.front.resources is None
