"""Objects of others and unknown ids answer 404, and requests for them change nothing."""

import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from inference.models import Prediction
from marketplace.core.ids import new_id, parse_short, short
from tests.integration.api.conftest import Buyer
from tests.support.front_client import FrontClient

ROUTES = [("GET", ""), ("POST", "/cancel"), ("GET", "/stream"), ("GET", "/events")]


@pytest.fixture
def made(front_client: FrontClient, buyer: Buyer, address: str) -> dict[str, Any]:
    document: dict[str, Any] = front_client.request("POST", address, {"input": {"prompt": "x"}}, key=buyer.key).json()
    return document


@pytest.mark.parametrize(("method", "suffix"), ROUTES)
def test_a_prediction_of_another_buyer(
    front_client: FrontClient, buyer: Buyer, other: Buyer, made: dict[str, Any], method: str, suffix: str
):
    before = buyer.state(), other.state()
    path = f"/v1/predictions/{made['id']}{suffix}"
    answer = front_client.request(method, path, key=other.key)
    assert (answer.status, answer.json()["detail"], answer.json()["instance"]) == (
        404,
        "There is no such prediction",
        path,
    )
    unknown = front_client.request(method, f"/v1/predictions/{short(new_id())}{suffix}", key=other.key)
    assert unknown.status == 404
    own = {"instance": "", "request_id": ""}
    assert unknown.json() | own == answer.json() | own, "what exists cannot be told apart"
    assert (buyer.state(), other.state()) == before


@pytest.mark.parametrize("id_", ["x", "%00", "0" * 25, "0" * 27, "V" * 26, "0" * 26, "..", "%27%3B--", "x" * 5_000])
@pytest.mark.parametrize(("method", "suffix"), ROUTES)
def test_an_unknown_prediction_id_answers_404(
    front_client: FrontClient, buyer: Buyer, method: str, suffix: str, id_: str
):
    before = buyer.state()
    answer = front_client.request(method, f"/v1/predictions/{id_}{suffix}", key=buyer.key)
    assert (answer.status, answer.json()["detail"]) == (404, "There is no such prediction")
    assert buyer.state() == before


@pytest.mark.parametrize(("method", "suffix"), ROUTES)
def test_without_a_key(front_client: FrontClient, buyer: Buyer, made: dict[str, Any], method: str, suffix: str):
    before = buyer.state()
    assert front_client.request(method, f"/v1/predictions/{made['id']}{suffix}").status == 401
    assert buyer.state() == before


def test_a_cancelled_prediction_is_free_and_its_stream_ends(
    front_client: FrontClient, buyer: Buyer, made: dict[str, Any]
):
    path = f"/v1/predictions/{made['id']}"
    canceled = front_client.request("POST", f"{path}/cancel", key=buyer.key).json()
    assert (canceled["status"], canceled["output"]) == ("canceled", None)
    assert canceled["receipt"]["payload"]["charged"] == "0.000000"
    assert (buyer.balance().posted, buyer.balance().held) == (1_000_000, 0)
    before = buyer.state()
    assert front_client.request("POST", f"{path}/cancel", key=buyer.key).json() == canceled
    assert buyer.state() == before
    stream = front_client.request("GET", f"{path}/stream", key=buyer.key)
    assert (stream.status, stream.headers["content-type"]) == (200, "text/event-stream")
    assert stream.body == b'event: done\nid: 1\ndata: {"reason":"canceled"}\n\n'
    for last in ({}, {"Last-Event-ID": "garbage"}, {"Last-Event-ID": "9" * 500}, {"Last-Event-ID": "\xff"}):
        events = front_client.request("GET", f"{path}/events", key=buyer.key, headers=last).body.decode().split("\n\n")
        assert [event.split("\n")[0] for event in events] == ["event: state", "event: done", ""]
        assert json.loads(events[1].split("data: ")[1])["status"] == "canceled"


def test_a_signed_link_opens_the_events_of_one_prediction(
    front_client: FrontClient, buyer: Buyer, other: Buyer, made: dict[str, Any], address: str
):
    front_client.request("POST", f"/v1/predictions/{made['id']}/cancel", key=buyer.key)
    second = front_client.request("POST", address, {"input": {"prompt": "x"}}, key=other.key).json()
    parts = urlsplit(made["urls"]["events"])
    link = f"{parts.path}?{parts.query}"
    assert parts.path == f"/v1/predictions/{made['id']}/events"
    assert front_client.request("GET", link).status == 200
    for changed in (
        link.replace(made["id"], second["id"]),
        link.replace("/events", "/stream"),
        link.replace("/events", ""),
        link[:-1],
        link.replace("expires=1", "expires=2"),
        f"{parts.path}?expires=&signature=",
    ):
        assert front_client.request("GET", changed).status == 401, changed
    assert front_client.request("POST", link.replace("/events", "/cancel")).status == 401
    assert Prediction.objects.get(pk=parse_short(second["id"])).status == "starting"
