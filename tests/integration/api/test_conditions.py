"""Idempotency keys and max_price, in both dialects."""

import pytest

from billing.ledger.models import Hold
from inference.models import IdempotencyKey, Prediction
from inference.services.cancel import cancel
from marketplace.accounts.selectors import platform_for
from marketplace.catalog.models import Listing
from marketplace.catalog.services.listing import unlist
from marketplace.core.ids import parse_short
from tests.integration.api.conftest import Buyer, make_api_buyer
from tests.integration.api.test_create import assert_problem
from tests.support.front_client import Answer, FrontClient
from tests.support.parties import change_price

GENERATE = "/openai/v1/images/generations"


def post(front_client: FrontClient, address: str, buyer: Buyer, body: object = None, **headers: str) -> Answer:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return front_client.request(
        "POST", address, {"input": {"prompt": "x"}} if body is None else body, key=buyer.key, headers=sent
    )


def predictions(buyer: Buyer) -> int:
    return Prediction.objects.filter(organization=buyer.party.organization).count()


def test_the_same_key_and_request_give_the_first_answer_again(
    front_client: FrontClient, buyer: Buyer, listing: Listing, slug: str, address: str
):
    first = post(front_client, address, buyer, Idempotency_Key="k")
    again = post(front_client, address, buyer, Idempotency_Key="k")
    waiting = post(front_client, address, buyer, Idempotency_Key="k", Prefer="wait=1")
    named = post(
        front_client, "/v1/predictions", buyer, {"version": slug.upper(), "input": {"prompt": "x"}}, Idempotency_Key="k"
    )
    assert (first.status, again.status, waiting.status, named.status) == (201, 201, 202, 201)
    assert {answer.json()["id"] for answer in (first, again, waiting, named)} == {first.json()["id"]}
    assert again.json()["input"] == first.json()["input"]  # including the drawn seed
    assert (predictions(buyer), buyer.balance().held) == (1, 4_000)


def test_the_first_answer_is_kept_when_the_model_changes(
    front_client: FrontClient, buyer: Buyer, listing: Listing, address: str
):
    first = post(front_client, address, buyer, Idempotency_Key="k")
    change_price(listing, 9_000)
    assert post(front_client, address, buyer, Idempotency_Key="k").json()["id"] == first.json()["id"]
    unlist(listing=listing, actor=platform_for(listing.model.organization))
    assert post(front_client, address, buyer, Idempotency_Key="k").json()["id"] == first.json()["id"]
    assert (predictions(buyer), buyer.balance().held) == (1, 4_000)


def test_a_repeated_waiting_call_returns_an_ended_prediction_at_once(
    front_client: FrontClient, buyer: Buyer, address: str
):
    first = post(front_client, address, buyer, Idempotency_Key="k")
    cancel(actor=buyer.party.actor, prediction_id=parse_short(first.json()["id"]))
    again = post(front_client, address, buyer, Idempotency_Key="k", Prefer="wait")
    assert (again.status, again.json()["id"], again.json()["status"]) == (201, first.json()["id"], "canceled")


@pytest.mark.parametrize(
    "other",
    [
        {"input": {"prompt": "y"}},
        {"input": {"prompt": "x", "seed": 1}},
        {"input": {}},
        {"input": {"prompt": "x"}, "max_price": "0.01"},
    ],
)
def test_a_key_is_for_one_request(front_client: FrontClient, buyer: Buyer, address: str, other: object):
    post(front_client, address, buyer, Idempotency_Key="k")
    before = buyer.state()
    answer = post(front_client, address, buyer, other, Idempotency_Key="k")
    assert_problem(answer, 409, path=address, detail="or a new key to make a new call")
    assert answer.json()["type"] == "/docs/errors#idempotency-key-reused"
    assert answer.headers["x-should-retry"] == "false"
    assert buyer.state() == before


def test_idempotency_keys_belong_to_the_organisation(
    front_client: FrontClient, buyer: Buyer, other: Buyer, address: str
):
    ids = {post(front_client, address, one, Idempotency_Key="k").json()["id"] for one in (buyer, other)}
    assert len(ids) == 2


def test_a_refused_call_leaves_its_key_unused(front_client: FrontClient, listing: Listing, address: str):
    poor = make_api_buyer(credit=0)
    assert post(front_client, address, poor, Idempotency_Key="k").status == 402
    assert post(front_client, address, poor, {"input": {}}, Idempotency_Key="k").status == 422
    assert post(front_client, "/v1/models/no/body/predictions", poor, Idempotency_Key="k").status == 404
    assert not IdempotencyKey.objects.filter(organization=poor.party.organization).exists()
    change_price(listing, 0)
    assert post(front_client, address, poor, Idempotency_Key="k").status == 201


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "\xe9"])
def test_an_invalid_idempotency_key_is_refused(front_client: FrontClient, buyer: Buyer, address: str, key: str):
    before = buyer.state()
    answer = post(front_client, address, buyer, Idempotency_Key=key)
    assert_problem(answer, 422, path=address, detail="visible ASCII", fields=["Idempotency-Key"])
    assert buyer.state() == before


@pytest.mark.parametrize("max_price", ["0.004", 0.004, "1", 1])
def test_a_price_up_to_the_ceiling(front_client: FrontClient, buyer: Buyer, address: str, max_price: object):
    answer = post(front_client, address, buyer, {"input": {"prompt": "x"}, "max_price": max_price})
    assert answer.status == 201, answer.body
    row = Prediction.objects.get(pk=parse_short(answer.json()["id"]))
    assert row.amount_held == 4_000 <= row.max_price
    cancel(actor=platform_for(row.organization), prediction_id=row.pk)
    receipt = front_client.request("GET", f"/v1/predictions/{answer.json()['id']}", key=buyer.key).json()["receipt"]
    assert receipt["payload"]["max_price"] == ("0.004000" if float(max_price) < 1 else "1.000000")


@pytest.mark.parametrize("max_price", ["0.003999", 0.0039999, 0])
def test_a_price_above_the_ceiling_is_refused_before_anything_is_held(
    front_client: FrontClient, buyer: Buyer, address: str, max_price: object
):
    before = buyer.state()
    answer = post(front_client, address, buyer, {"input": {"prompt": "x"}, "max_price": max_price})
    assert_problem(answer, 422, path=address, detail="this call may cost $0.004. Raise it", fields=["max_price"])
    assert answer.json()["type"] == "/docs/errors#above-max-price"
    assert buyer.state() == before


def test_the_lower_max_price_applies_to_the_whole_call(front_client: FrontClient, buyer: Buyer, address: str):
    four = {"input": {"prompt": "x", "num_outputs": 4}}
    assert post(front_client, address, buyer, four, Bourse_Max_Price="0.015").status == 422
    assert post(front_client, address, buyer, four | {"max_price": 1}, Bourse_Max_Price="0.015").status == 422
    assert post(front_client, address, buyer, four | {"max_price": 0.015}, Bourse_Max_Price="1").status == 422
    assert predictions(buyer) == 0
    assert post(front_client, address, buyer, four | {"max_price": "0.02"}, Bourse_Max_Price="0.016").status == 201


def test_the_price_in_effect_decides_though_the_snapshot_is_older(
    front_client: FrontClient, buyer: Buyer, listing: Listing, address: str
):
    assert post(front_client, address, buyer, Bourse_Max_Price="0.004").status == 201
    change_price(listing, 4_001)
    before = buyer.state()
    assert_problem(post(front_client, address, buyer, Bourse_Max_Price="0.004"), 422, path=address, detail="$0.004001")
    assert buyer.state() == before
    change_price(listing, 3_000)
    assert post(front_client, address, buyer, Bourse_Max_Price="0.004").status == 201
    assert set(Hold.objects.filter(account__owner=buyer.party.owner).values_list("amount", flat=True)) == {4_000, 3_000}


@pytest.mark.parametrize("max_price", ["much", "", "1e-3", True, [], {}, -1])
def test_an_invalid_max_price_names_the_field(front_client: FrontClient, buyer: Buyer, address: str, max_price: object):
    before = buyer.state()
    answer = post(front_client, address, buyer, {"input": {"prompt": "x"}, "max_price": max_price})
    assert_problem(answer, 422, path=address, detail="max_price", fields=["max_price"])
    header = post(front_client, address, buyer, Bourse_Max_Price="cheap")
    assert_problem(header, 422, path=address, detail="Bourse-Max-Price", fields=["Bourse-Max-Price"])
    assert buyer.state() == before


def test_openais_dialect_has_the_same_conditions(front_client: FrontClient, buyer: Buyer, slug: str, address: str):
    body = {"model": slug, "prompt": "x"}
    dear = post(front_client, GENERATE, buyer, body | {"n": 2, "max_price": "0.004"})
    assert (dear.status, dear.json()["error"]["code"], dear.json()["error"]["param"]) == (
        422,
        "above_max_price",
        "max_price",
    )
    assert (
        post(front_client, GENERATE, buyer, body, Bourse_Max_Price="0.001").json()["error"]["code"] == "above_max_price"
    )
    # The same call in the other dialect, where it has ended meanwhile.
    first = post(front_client, address, buyer, Idempotency_Key="k").json()["id"]
    cancel(actor=buyer.party.actor, prediction_id=parse_short(first))
    again = post(front_client, GENERATE, buyer, body, Idempotency_Key="k")
    assert again.status == 500
    assert first in again.json()["error"]["message"]
    other = post(front_client, GENERATE, buyer, body | {"n": 2}, Idempotency_Key="k")
    assert (other.status, other.json()["error"]["code"]) == (409, "idempotency_key_reused")
    assert predictions(buyer) == 1
