"""Creating a prediction: an admitted call is held and stored once, a refused one changes nothing."""

import time
from typing import Any

import pytest

from inference.models import Prediction
from marketplace.accounts.selectors import platform_for
from marketplace.accounts.services.api_keys import revoke_key
from marketplace.catalog.models import Listing
from marketplace.catalog.services.listing import unlist
from marketplace.core.ids import parse_short
from tests.integration.api.conftest import Buyer, make_api_buyer
from tests.support.front_client import Answer, FrontClient
from tests.support.parties import change_price, make_party

LONG = "x" * 100_000


def assert_problem(answer: Answer, status: int, *, path: str, detail: str, fields: list[str] | None = None) -> None:
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert set(document) - {"errors"} == {"type", "title", "status", "detail", "instance", "request_id"}
    assert document["request_id"] == answer.request_id
    assert (document["status"], document["instance"]) == (status, path)
    assert document["type"].startswith("/docs/errors#")
    assert detail in document["detail"], document["detail"]
    if fields is not None:
        assert [error["field"] for error in document["errors"]] == fields
        assert all(error["detail"] for error in document["errors"])


def test_a_call_is_stored_and_its_price_is_held(
    front_client: FrontClient, buyer: Buyer, listing: Listing, slug: str, address: str
):
    answer = front_client.request(
        "POST", address, {"input": {"prompt": "a star", "num_outputs": 3, "seed": 7}}, key=buyer.key
    )
    assert answer.status == 201, answer.body
    document = answer.json()
    assert (document["status"], document["model"], document["version"]) == ("starting", slug, listing.version_id)
    assert document["input"] == {
        "prompt": "a star",
        "negative_prompt": "",
        "num_outputs": 3,
        "width": 128,
        "height": 128,
        "num_inference_steps": 12,
        "guidance_scale": 7.5,
        "seed": 7,
        "output_format": "png",
    }
    row = Prediction.objects.get(pk=parse_short(document["id"]))
    assert (row.organization_id, row.api_key_id, row.origin, row.quantity, row.amount_held) == (
        buyer.party.organization.pk,
        buyer.key_row.pk,
        "api",
        3,
        12_000,
    )
    assert (buyer.balance().posted, buyer.balance().held) == (1_000_000, 12_000)
    got = front_client.request("GET", f"/v1/predictions/{document['id']}", key=buyer.key)
    assert (got.status, got.json()["status"]) == (200, "starting")


@pytest.mark.parametrize("form", ["{slug}", "{slug}:{version}", "{version}", "{slug}@v1", "{slug}:latest"])
def test_every_way_to_name_a_model_runs_it(
    front_client: FrontClient, buyer: Buyer, listing: Listing, slug: str, form: str
):
    version = form.format(slug=slug, version=listing.version_id)
    answer = front_client.request(
        "POST", "/v1/predictions", {"version": version, "input": {"prompt": "x"}}, key=buyer.key
    )
    assert (answer.status, answer.json()["version"]) == (201, listing.version_id)


def test_a_wait_that_runs_out_says_starting(front_client: FrontClient, buyer: Buyer, address: str):
    started = time.monotonic()
    answer = front_client.request(
        "POST", address, {"input": {"prompt": "x"}}, key=buyer.key, headers={"Prefer": "wait=1"}
    )
    assert 0.9 < time.monotonic() - started < 5
    assert (answer.status, answer.json()["status"], answer.json()["output"]) == (202, "starting", None)
    assert Prediction.objects.get(pk=parse_short(answer.json()["id"])).reply_channel is None


def test_the_price_in_effect_is_held_though_the_snapshot_is_older(
    front_client: FrontClient, buyer: Buyer, listing: Listing, address: str
):
    for amount, held in ((4_000, 4_000), (5_000, 9_000), (6_000, 15_000)):
        change_price(listing, amount)
        assert front_client.request("POST", address, {"input": {"prompt": "x"}}, key=buyer.key).status == 201
        assert buyer.balance().held == held


HEADERS = [
    {},
    {"Authorization": ""},
    {"Authorization": "Bearer"},
    {"Authorization": "Bearer "},
    {"Authorization": "{key}"},
    {"Authorization": "Basic {key}"},
    {"Authorization": "Bearer{key}"},
    {"Authorization": "Bearer r8_0123456789012345678901234567890123456"},
    {"Authorization": "Bearer bourse_unknown"},
    {"Authorization": "Bearer {key}x"},
    {"Authorization": "Bearer {key} {key}"},
    {"Authorization": "Bearer bourse_" + "x" * 10_000},
    {"Authorization": "Bearer bourse_\xe4\xff"},
    {"Authorization": "Bearer bourse_\0"},
]


@pytest.mark.parametrize("headers", HEADERS, ids=lambda headers: str(headers.get("Authorization"))[:30])
def test_requests_without_a_valid_key_are_refused(
    front_client: FrontClient, buyer: Buyer, address: str, headers: dict[str, str]
):
    before = buyer.state()
    headers = {name: value.replace("{key}", buyer.key) for name, value in headers.items()}
    for method, path in (("POST", address), ("POST", "/v1/predictions"), ("GET", "/v1/predictions/x")):
        answer = front_client.request(method, path, {"input": {"prompt": "x"}}, headers=headers)
        assert_problem(
            answer, 401, path=path, detail="in the console" if "bourse_" in str(headers) else "Bearer bourse_"
        )
        assert answer.headers["www-authenticate"] == "Bearer"
    assert buyer.state() == before


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "Token", "Key", "KEY"])
def test_every_authorization_scheme_is_accepted(front_client: FrontClient, buyer: Buyer, address: str, scheme: str):
    headers = {"Authorization": f"{scheme}  {buyer.key} "}
    assert front_client.request("POST", address, {"input": {"prompt": "x"}}, headers=headers).status == 201


def test_a_revoked_key_is_refused_at_once_though_it_was_just_used(
    front_client: FrontClient, buyer: Buyer, address: str
):
    made = front_client.request("POST", address, {"input": {"prompt": "x"}}, key=buyer.key).json()
    party = buyer.party
    revoke_key(actor=party.actor, key_id=buyer.key_row.pk)
    before = buyer.state()
    for method, path in (
        ("POST", address),
        ("GET", f"/v1/predictions/{made['id']}"),
        ("POST", f"/v1/predictions/{made['id']}/cancel"),
        ("GET", f"/v1/predictions/{made['id']}/stream"),
        ("GET", f"/v1/predictions/{made['id']}/events"),
    ):
        answer = front_client.request(method, path, {"input": {"prompt": "x"}}, key=buyer.key)
        assert_problem(answer, 401, path=path, detail="revoked")
    assert buyer.state() == before


BODIES: list[tuple[bytes, int, str]] = [
    (b"", 400, "The body is not JSON"),
    (b"{", 400, "The body is not JSON"),
    (b"\xff\xfe", 400, "The body is not JSON"),
    (b"prompt=x", 400, "The body is not JSON"),
    (b'{"input": {"prompt": "x", "guidance_scale": NaN}}', 400, "The body is not JSON"),
    (b'{"input": {"prompt": "x", "guidance_scale": Infinity}}', 400, "The body is not JSON"),
    (b'{"input": {"prompt": "x", "guidance_scale": 1e999}}', 400, "The body is not JSON"),
    (b'{"input": {"prompt": "x", "seed": ' + b"9" * 5_000 + b"}}", 400, "The body is not JSON"),
    (b'{"input": {"prompt": "\\ud800"}}', 400, "The body is not JSON"),
    (b"[" * 100_000 + b"]" * 100_000, 400, "The body is not JSON"),
    (b"[]", 400, "must be a JSON object"),
    (b'"x"', 400, "must be a JSON object"),
    (b"null", 400, "must be a JSON object"),
    (b"5", 400, "must be a JSON object"),
]


@pytest.mark.parametrize(("body", "status", "detail"), BODIES, ids=lambda value: repr(value)[:40])
def test_an_invalid_body_is_refused(
    front_client: FrontClient, buyer: Buyer, address: str, body: bytes, status: int, detail: str
):
    before = buyer.state()
    for path in (address, "/v1/predictions"):
        assert_problem(front_client.request("POST", path, body, key=buyer.key), status, path=path, detail=detail)
    assert buyer.state() == before


@pytest.mark.parametrize("depth", [30, 200, 480, 900, 1_000])
def test_a_deeply_nested_value_is_refused(front_client: FrontClient, buyer: Buyer, address: str, depth: int):
    before = buyer.state()
    for nested in (b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth):
        for body in (
            b'{"input": {"prompt": ' + nested + b"}}",
            b'{"input": {"prompt": "x", "unknown": ' + nested + b"}}",
            b'{"input": ' + nested + b"}",
        ):
            answer = front_client.request("POST", address, body, key=buyer.key)
            assert answer.status in (400, 422), (depth, body[:40], answer.body)
            assert set(answer.json()) >= {"type", "title", "status", "detail", "instance"}
    assert buyer.state() == before


def test_a_body_that_is_too_large(front_client: FrontClient, buyer: Buyer, address: str):
    before, large = buyer.state(), b"x" * (9 * 1024 * 1024)
    detail = "at most 8388608 bytes; upload larger pictures with POST /v1/files"
    for answer in (
        front_client.request("POST", address, large, key=buyer.key),
        front_client.request("POST", address, b"{}", key=buyer.key, headers={"Content-Length": str(len(large))}),
        front_client.request("POST", address, key=buyer.key, pieces=[large[:5_000_000], large[:5_000_000], b""]),
    ):
        assert_problem(answer, 413, path=address, detail=detail)
    assert buyer.state() == before


@pytest.mark.parametrize("length", ["\xb2", "9" * 5_000, "-1", "x", ""])
def test_an_invalid_content_length_is_ignored(front_client: FrontClient, buyer: Buyer, address: str, length: str):
    answer = front_client.request(
        "POST", address, {"input": {"prompt": "x"}}, key=buyer.key, headers={"Content-Length": length}
    )
    assert answer.status == (413 if length.startswith("9") else 201)


def test_a_body_may_come_in_pieces(front_client: FrontClient, buyer: Buyer, address: str):
    pieces = [b'{"input": ', b"", b'{"prompt": "x"}', b"}"]
    assert front_client.request("POST", address, key=buyer.key, pieces=pieces).status == 201


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        ("nobody", "nothing"),
        ("a%00b", "c"),
        ("c", "a%00b"),
        ("%25", "_"),
        ("x" * 5_000, "y"),
        ("%F0%9F%92%A3", "x"),
        ("'", '"'),
    ],
)
def test_an_unknown_model(front_client: FrontClient, buyer: Buyer, owner: str, name: str):
    before = buyer.state()
    answer = front_client.request(
        "POST", f"/v1/models/{owner}/{name}/predictions", {"input": {"prompt": "x"}}, key=buyer.key
    )
    assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["detail"].endswith("is on sale. The models are listed at /models.")
    assert buyer.state() == before


@pytest.mark.parametrize(
    ("version", "status", "detail"),
    [
        (None, 422, "Say which model to run"),
        (5, 422, "Say which model to run"),
        (["a/b"], 422, "Say which model to run"),
        ("x" * 301, 422, "Say which model to run"),
        ("", 404, "There is no version"),
        ("f" * 40, 404, "There is no version"),
        ("a\0b/c", 404, "is on sale"),
        ("nobody/nothing", 404, "is on sale"),
        ("{slug}@v9", 404, "has no version"),
        ("{slug}:{slug}", 404, "There is no version"),
    ],
    ids=str,
)
def test_an_unknown_version(front_client: FrontClient, buyer: Buyer, slug: str, version: Any, status: int, detail: str):
    before = buyer.state()
    body: dict[str, Any] = {"input": {"prompt": "x"}}
    if version is not None:
        body["version"] = version.format(slug=slug) if isinstance(version, str) else version
    fields = ["version"] if status == 422 else None
    answer = front_client.request("POST", "/v1/predictions", body, key=buyer.key)
    assert_problem(answer, status, path="/v1/predictions", detail=detail, fields=fields)
    assert buyer.state() == before


def test_a_model_that_was_taken_off_sale(front_client: FrontClient, buyer: Buyer, listing: Listing, address: str):
    unlist(listing=listing, actor=platform_for(listing.model.organization))
    before = buyer.state()
    answer = front_client.request("POST", address, {"input": {"prompt": "x"}}, key=buyer.key)
    assert_problem(answer, 404, path=address, detail="is on sale")
    assert buyer.state() == before


INPUTS: list[tuple[Any, list[str], str]] = [
    (None, ["input"], "must be an object"),
    ([], ["input"], "must be an object"),
    ("a star", ["input"], "must be an object"),
    ({}, ["input.prompt"], "input.prompt is required"),
    ({"prompt": ""}, ["input.prompt"], "must not be empty"),
    ({"prompt": LONG}, ["input.prompt"], "must have at most 2,000 characters, not 100,000"),
    ({"prompt": "a\0b"}, ["input.prompt"], "must not contain NUL characters"),
    ({"prompt": "x", "negative_prompt": "\0"}, ["input.negative_prompt"], "must not contain NUL characters"),
    ({"prompt": "x", "negative_prompt": LONG}, ["input.negative_prompt"], "at most 2,000 characters"),
    ({"prompt": "x", "steps": 5}, ["input.steps"], "is no field of this model; it takes prompt, negative_prompt"),
    ({"prompt": "x", "\0": 5}, ["input.\0"], "is no field of this model"),
    ({"prompt": "x", LONG: 5}, ["input." + "x" * 80], "is no field of this model"),
    ({"prompt": "x", "num_outputs": 0}, ["input.num_outputs"], "must be at least 1, not 0"),
    ({"prompt": "x", "num_outputs": 5}, ["input.num_outputs"], "must be at most 4, not 5"),
    ({"prompt": "x", "num_outputs": 2.5}, ["input.num_outputs"], "must be of type integer, not 2.5"),
    ({"prompt": "x", "num_outputs": 10**18}, ["input.num_outputs"], "must be at most 4"),
    ({"prompt": "x", "num_outputs": 10**40}, ["input.num_outputs"], "must be at most 4"),
    ({"prompt": "x", "num_inference_steps": 0}, ["input.num_inference_steps"], "must be at least 1, not 0"),
    ({"prompt": "x", "num_inference_steps": 51}, ["input.num_inference_steps"], "must be at most 50, not 51"),
    ({"prompt": "x", "num_inference_steps": -1}, ["input.num_inference_steps"], "must be at least 1, not -1"),
    ({"prompt": "x", "width": 56}, ["input.width"], "must be at least 64, not 56"),
    ({"prompt": "x", "width": 264}, ["input.width"], "must be at most 256, not 264"),
    ({"prompt": "x", "height": 100}, ["input.height"], "must be a multiple of 8, not 100"),
    ({"prompt": "x", "height": 1e300}, ["input.height"], "must be at most 256"),
    ({"prompt": "x", "guidance_scale": -0.5}, ["input.guidance_scale"], "must be at least 0, not -0.5"),
    ({"prompt": "x", "guidance_scale": 20.5}, ["input.guidance_scale"], "must be at most 20, not 20.5"),
    ({"prompt": "x", "seed": -1}, ["input.seed"], "must be at least 0, not -1"),
    ({"prompt": "x", "seed": 2**32}, ["input.seed"], "must be at most 4294967295, not 4294967296"),
    ({"prompt": "x", "output_format": "gif"}, ["input.output_format"], "must be one of png, webp, jpg, not 'gif'"),
    (
        {"width": 1, "height": 9, "seed": -1},
        ["input.height", "input.height", "input.prompt", "input.seed", "input.width", "input.width"],
        "Nothing was run and nothing is charged",
    ),
] + [
    ({"prompt": "x"} | {field: wrong}, [f"input.{field}"], "must be of type")
    for field, values in {
        "prompt": (5, None, ["x"], {"a": 1}, True),
        "negative_prompt": (5, None, []),
        "num_outputs": ("1", None, True, [1], {}),
        "width": ("128", None, True),
        "height": ("128", None, True, [128]),
        "num_inference_steps": ("20", None, False, 2.5),
        "guidance_scale": ("7", None, True, [7]),
        "seed": ("7", True, 1.5, []),
    }.items()
    for wrong in values
]  # fmt: skip


def test_wrong_inputs_are_named_and_change_nothing(front_client: FrontClient, buyer: Buyer, address: str):
    before = buyer.state()
    for inputs, fields, detail in INPUTS:
        answer = front_client.request("POST", address, {"input": inputs}, key=buyer.key)
        assert_problem(answer, 422, path=address, detail=detail, fields=fields)
        assert len(answer.body) < 10_000, "an answer does not repeat all that it refuses"
    assert buyer.state() == before


def test_many_unknown_fields_are_refused_quickly(front_client: FrontClient, buyer: Buyer, address: str):
    before, started = buyer.state(), time.monotonic()
    inputs = {"prompt": "x"} | {f"field{number}": number for number in range(40_000)}
    answer = front_client.request("POST", address, {"input": inputs}, key=buyer.key)
    assert_problem(answer, 422, path=address, detail="is no field of this model", fields=["input.field0"])
    assert time.monotonic() - started < 10
    assert buyer.state() == before


def test_an_integer_may_be_written_as_a_float(front_client: FrontClient, buyer: Buyer, address: str):
    answer = front_client.request(
        "POST", address, {"input": {"prompt": "x", "seed": 7.0, "num_outputs": 2.0}}, key=buyer.key
    )
    assert answer.status == 201
    given = answer.json()["input"]
    assert [(type(given[name]), given[name]) for name in ("seed", "num_outputs")] == [(int, 7), (int, 2)]


@pytest.mark.parametrize("seed", [None, "absent"])
def test_a_missing_seed_is_drawn_and_returned(front_client: FrontClient, buyer: Buyer, address: str, seed: Any):
    inputs = {"prompt": "x"} | ({} if seed == "absent" else {"seed": seed})
    seeds = [
        front_client.request("POST", address, {"input": inputs}, key=buyer.key).json()["input"]["seed"]
        for _ in range(3)
    ]
    assert all(0 <= one <= 2**32 - 1 for one in seeds)
    assert len(set(seeds)) == 3


@pytest.mark.parametrize("prefer", [None, "wait", "wait=1"])
def test_a_call_without_balance_is_refused(front_client: FrontClient, address: str, prefer: str | None):
    poor = make_api_buyer(credit=0)
    before = poor.state()
    headers = {"Prefer": prefer} if prefer else {}
    answer = front_client.request("POST", address, {"input": {"prompt": "x"}}, key=poor.key, headers=headers)
    assert_problem(answer, 402, path=address, detail="This call may cost $0.004, more than the balance that is free.")
    assert "Top up under Balance" in answer.json()["detail"]
    assert poor.state() == before


def test_concurrent_calls_spend_the_rest_of_the_balance_once(front_client: FrontClient, listing: Listing, address: str):
    change_price(listing, 400_000)
    buyer = make_api_buyer(credit=1_000_000)
    statuses = [
        front_client.request("POST", address, {"input": {"prompt": "x"}}, key=buyer.key).status for _ in range(4)
    ]
    assert statuses == [201, 201, 402, 402]
    assert (buyer.balance().posted, buyer.balance().held) == (1_000_000, 800_000)


def test_an_organisation_that_does_not_buy(front_client: FrontClient, address: str):
    from marketplace.accounts.services.api_keys import create_key

    provider = make_party(can_buy=False, can_provide=True)
    new = create_key(actor=provider.actor, name="x")
    before = Prediction.objects.count()
    answer = front_client.request("POST", address, {"input": {"prompt": "x"}}, key=new.secret)
    assert_problem(answer, 403, path=address, detail="does not buy; switch its buyer side on first")
    assert Prediction.objects.count() == before
