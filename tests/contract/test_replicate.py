"""The stock `replicate` client against a live market."""

import io
import json
import secrets
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from PIL import Image, ImageChops
from replicate.client import Client
from replicate.exceptions import ReplicateError

from marketplace.core.ids import short
from tests.support.market import Market
from tests.support.services import wait_until


@contextmanager
def client_with(key: str, market: Market, **options: Any) -> Iterator[Client]:
    """The stock client, whose connections are closed afterwards, which it has no method for."""
    client = Client(api_token=key, base_url=market.base_url, **options)
    try:
        yield client
    finally:
        client._client.close()


@pytest.fixture
def client(market: Market) -> Iterator[Client]:
    with client_with(market.demo["buyer"]["api_key"], market) as client:
        yield client


@pytest.fixture
def http(market: Market) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {market.demo['buyer']['api_key']}"}
    with httpx.Client(base_url=market.base_url, headers=headers, timeout=90) as client:
        yield client


def balance(http: httpx.Client) -> tuple[Decimal, Decimal]:
    found = http.get("/v1/account").raise_for_status().json()["balance"]
    return Decimal(found["available"]), Decimal(found["held"])


def settled_balance(http: httpx.Client) -> tuple[Decimal, Decimal]:
    """The balance once nothing runs any more: calls of earlier tests may still be ending.

    Images of the demo's contract that wait for review stay held.
    """

    def all_ended() -> bool:
        latest = http.get("/v1/predictions").raise_for_status().json()["results"]
        return all(one["status"] not in ("starting", "processing") for one in latest)

    wait_until(all_ended, "the end of all earlier calls", seconds=30)
    return balance(http)


def picture(url: str) -> Image.Image:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return Image.open(io.BytesIO(answer.read())).convert("RGB")


def test_run_returns_the_requested_picture(market: Market, client: Client):
    output = client.run(market.demo["models"][0], input={"prompt": "a red circle on a white background", "seed": 7})
    image = picture(output[0])
    assert image.size == (128, 128)
    red, green, blue = image.getpixel((64, 64))
    assert red > 180
    assert green < 110
    assert blue < 110
    assert min(image.getpixel((3, 3))) > 225


def test_the_same_seed_gives_the_same_picture_alone_and_in_a_batch(market: Market, client: Client):
    model, prompt = market.demo["models"][0], "a blue star on a yellow background"
    alone = picture(client.run(model, input={"prompt": prompt, "seed": 11})[0])
    many = [client.predictions.create(model=model, input={"prompt": prompt, "seed": 11}) for _ in range(6)]
    for prediction in many:
        prediction.wait()
        assert prediction.status == "succeeded"
        differences = ImageChops.difference(alone, picture(prediction.output[0])).getextrema()
        assert max(largest for _, largest in differences) <= 1


def test_stream_has_steps_and_ends_with_the_output(market: Market, client: Client):
    prediction = client.predictions.create(model=market.demo["models"][0], input={"prompt": "a gold crown", "seed": 1})
    events = list(prediction.stream())
    assert events[-1].event.value == "done"
    assert [event.event.value for event in events].count("output") == 1
    prediction.reload()
    assert prediction.status == "succeeded"
    assert prediction.metrics["predict_time"] > 0


def test_cancel_stops_a_running_prediction_and_costs_nothing(market: Market, client: Client, http: httpx.Client):
    before = settled_balance(http)
    inputs = {"prompt": "a green tree", "num_inference_steps": 50, "num_outputs": 4, "width": 256, "height": 256}
    prediction = client.predictions.create(model=market.demo["models"][0], input=inputs)
    prediction.cancel()

    def has_ended() -> bool:
        prediction.reload()
        return prediction.status == "canceled"

    wait_until(has_ended, "the prediction's end", seconds=30)
    assert balance(http) == before
    receipt = http.get(f"/v1/predictions/{prediction.id}").json()["receipt"]["payload"]
    assert receipt["charged"] == "0.000000"
    assert receipt["not_billed"] == "canceled: nothing was delivered, so nothing is charged"


def test_models_versions_search_and_list(market: Market, client: Client):
    hero = market.demo["models"][0]
    model = client.models.get(hero)
    assert f"{model.owner}/{model.name}" == hero
    version = model.latest_version
    assert version.openapi_schema["components"]["schemas"]["Input"]["required"] == ["prompt"]
    assert [found.id for found in model.versions.list()] == [version.id]
    assert model.versions.get(version.id).id == version.id
    assert [found.name for found in client.models.search("workhorse")] == ["icon-workhorse"]
    assert hero in [f"{found.owner}/{found.name}" for found in client.models.list()]
    assert client.run(f"{hero}:{version.id}", input={"prompt": "a leaf", "num_inference_steps": 1})
    assert client.predictions.list().results[0].status == "succeeded"


def test_buyer_and_provider_statements_match_to_the_micro_unit(market: Market, http: httpx.Client):
    available, held = settled_balance(http)
    provider = market.demo["provider"]["organization"]
    earned = """
        SELECT coalesce(sum(a.posted), 0) FROM billing_account a
        JOIN accounts_organization o ON o.id::text = a.owner WHERE o.slug = %s AND a.kind = 'provider_payable'
    """
    with market.connect() as connection:
        before = connection.execute(earned, [provider]).fetchone()[0]
        answer = http.post(
            f"/v1/models/{market.demo['models'][0]}/predictions",
            json={"input": {"prompt": "a white moon on a navy background", "num_outputs": 3}},
            headers={"Prefer": "wait"},
        )
        document = answer.json()
        assert (answer.status_code, document["status"]) == (201, "succeeded")
        after = connection.execute(earned, [provider]).fetchone()[0]
    assert balance(http) == (available - Decimal("0.012"), held)
    assert after - before == 12_000 - 1_200
    assert document["receipt"]["payload"]["charged"] == "0.012000"
    assert document["receipt"]["payload"]["quantity"] == 3


def test_receipts_verify_with_the_published_key(market: Market, http: httpx.Client):
    prediction = http.get("/v1/predictions").json()["results"][0]
    receipt = prediction["receipt"]
    (key,) = http.get("/v1/receipts/keys").json()["keys"]
    assert receipt["key_id"] == key["id"]
    signed = json.dumps(receipt["payload"], sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(key["public_key"])).verify(
        bytes.fromhex(receipt["signature"]), signed
    )


def test_a_wait_that_runs_out_says_starting(market: Market, http: httpx.Client):
    inputs = {"prompt": "a house", "num_inference_steps": 50, "num_outputs": 4, "width": 256, "height": 256}
    answer = http.post(
        f"/v1/models/{market.demo['models'][0]}/predictions", json={"input": inputs}, headers={"Prefer": "wait=1"}
    )
    document = answer.json()
    assert (answer.status_code, document["status"]) == (202, "starting")
    http.post(f"/v1/predictions/{document['id']}/cancel").raise_for_status()


@pytest.mark.parametrize(
    ("inputs", "field"),
    [
        ({}, "input.prompt"),
        ({"prompt": ""}, "input.prompt"),
        ({"prompt": "x" * 100_000}, "input.prompt"),
        ({"prompt": "a\0b"}, "input.prompt"),
        ({"prompt": 7}, "input.prompt"),
        ({"prompt": "x", "num_inference_steps": 1000}, "input.num_inference_steps"),
        ({"prompt": "x", "width": 100}, "input.width"),
        ({"prompt": "x", "seed": -1}, "input.seed"),
        ({"prompt": "x", "colour": "red"}, "input.colour"),
    ],
)
def test_bad_input_names_the_field_and_holds_nothing(
    market: Market, client: Client, http: httpx.Client, inputs: dict[str, object], field: str
):
    before = settled_balance(http)
    with pytest.raises(ReplicateError) as refused:
        client.run(market.demo["models"][0], input=inputs)
    assert refused.value.status == 422
    assert field in refused.value.detail
    assert balance(http) == before


def test_unknown_model_and_revoked_or_missing_key(market: Market, client: Client):
    with pytest.raises(ReplicateError) as refused:
        client.run("lumen/nothing", input={"prompt": "x"})
    assert refused.value.status == 404
    for key in ("bourse_wrong", "r8_something"):
        with client_with(key, market) as stranger, pytest.raises(ReplicateError) as refused:
            stranger.run("lumen/icon-hero", input={"prompt": "x"})
        assert refused.value.status == 401


def test_an_alias_is_called_moved_and_called_again(market: Market, client: Client, http: httpx.Client):
    hero, other = market.demo["models"][:2]
    alias = market.demo["alias"]
    name = alias.split("/")[1]
    inputs = {"prompt": "a red circle on a white background", "num_inference_steps": 2}
    assert client.predictions.create(model=alias, input=inputs, wait=True).model == hero
    with client_with(market.demo["others"]["buyer"]["api_key"], market) as stranger:
        with pytest.raises(ReplicateError) as refused:
            stranger.run(alias, input=inputs)
        assert refused.value.status == 404
    moved = http.put(f"/v1/aliases/{name}", json={"model": other, "expected": hero}).raise_for_status().json()
    assert (moved["alias"], moved["model"], moved["on_sale"]) == (alias, other, True)
    try:
        assert http.put(f"/v1/aliases/{name}", json={"model": hero, "expected": hero}).status_code == 409
        time.sleep(2.1)  # resolved names are cached for two seconds
        assert client.predictions.create(model=alias, input=inputs, wait=True).model == other
        assert client.run(alias, input=inputs)
    finally:
        http.put(f"/v1/aliases/{name}", json={"model": hero}).raise_for_status()
        time.sleep(2.1)


def test_other_buyers_cannot_see_a_prediction(market: Market, client: Client):
    mine = client.predictions.list().results[0]
    with client_with(market.demo["others"]["buyer"]["api_key"], market) as other:
        for attempt in (other.predictions.get, other.predictions.cancel):
            with pytest.raises(ReplicateError) as refused:
                attempt(mine.id)
            assert refused.value.status == 404
        assert other.predictions.list().results == []


def test_an_idempotency_key_and_a_ceiling_go_into_the_clients_headers(market: Market, http: httpx.Client):
    """The client sends no other fields in the body; its headers are passed through."""
    key, model = market.demo["buyer"]["api_key"], market.demo["models"][1]
    keyed = {"Idempotency-Key": secrets.token_hex(8), "Bourse-Max-Price": "0.001"}
    with client_with(key, market, headers=keyed) as client:
        first, again = (client.predictions.create(model=model, input={"prompt": "a leaf"}) for _ in range(2))
        assert first.id == again.id
        first.wait()
        with pytest.raises(ReplicateError, match="Idempotency-Key was sent before"):
            client.predictions.create(model=model, input={"prompt": "a star"})
    receipt = http.get(f"/v1/predictions/{first.id}").json()["receipt"]["payload"]
    assert (receipt["max_price"], receipt["charged"]) == ("0.001000", "0.001000")
    with (
        client_with(key, market, headers={"Bourse-Max-Price": "0.001"}) as client,
        pytest.raises(ReplicateError, match=r"may cost \$0.002"),
    ):
        client.predictions.create(model=model, input={"prompt": "a leaf", "num_outputs": 2})


def test_a_call_under_a_contract_is_paid_by_verdict(market: Market, http: httpx.Client):
    """The stock client sends the contract as a header; the reviewer is a program."""
    key, hero = market.demo["buyer"]["api_key"], market.demo["models"][0]
    with market.connect() as connection:
        (contract,) = connection.execute(
            "SELECT c.id FROM billing_outcomecontract c JOIN accounts_organization o ON o.id::text = c.buyer "
            "WHERE o.slug = %s AND c.ended_at IS NULL ORDER BY c.id LIMIT 1",
            [market.demo["buyer"]["organization"]],
        ).fetchone()
    available, held = settled_balance(http)
    with client_with(key, market, headers={"Bourse-Contract": short(contract)}) as client:
        output = client.run(hero, input={"prompt": "a gold crown", "num_outputs": 2, "seed": 3})
        assert len(output) == 2
        with pytest.raises(ReplicateError, match="contract is about lumen/icon-hero"):
            client.predictions.create(model=market.demo["models"][1], input={"prompt": "x"})
        prediction = client.predictions.list().results[0]
    price = Decimal("0.006")
    assert balance(http) == (available - 2 * price, held + 2 * price)
    address = f"/v1/predictions/{prediction.id}"
    waiting = http.get(address).json()["receipt"]["payload"]
    assert (waiting["contract"]["outcome"], waiting["charged"]) == ("observing", "0.000000")

    def verdict(**body: object) -> httpx.Response:
        return http.post(f"{address}/reviews", json=body)

    first = verdict(verdict="rejected", position=1, reason="too dark")
    assert (first.status_code, first.json()["outcome"], first.json()["reason"]) == (201, "observing", "too dark")
    assert verdict(verdict="rejected", position=1).status_code == 200
    refused = verdict(verdict="accepted", position=1)
    assert (refused.status_code, refused.json()["type"]) == (409, "/docs/errors#verdict-stands")
    for wrong, field in (
        ({"verdict": "fine"}, "verdict"),
        ({"verdict": "accepted", "position": 2}, "position"),
        ({"verdict": "accepted", "position": "0"}, "position"),
        ({"verdict": "accepted", "position": 10**20}, "position"),
        ({"verdict": "rejected", "reason": ["x"]}, "reason"),
    ):
        answer = verdict(**wrong)
        assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, [field]), wrong
    last = verdict(verdict="accepted")
    assert (last.status_code, last.json()["outcome"]) == (201, "settled")
    assert last.json()["receipt"]["payload"]["charged"] == "0.006000"
    assert balance(http) == (available - price, held)
    assert http.post("/v1/predictions/nothing/reviews", json={"verdict": "accepted"}).status_code == 404


def test_a_contract_in_the_body_and_of_others(market: Market, http: httpx.Client):
    hero = market.demo["models"][0]
    before = settled_balance(http)
    for contract in ("nothing", "0" * 26, 7):
        answer = http.post(f"/v1/models/{hero}/predictions", json={"input": {"prompt": "x"}, "contract": contract})
        assert (answer.status_code, answer.json()["detail"]) == (404, "There is no such contract")
    assert balance(http) == before
