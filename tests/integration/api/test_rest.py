"""Replicate's dialect where Django serves it: lists, models, versions, the account."""

import secrets
from pathlib import Path

import pytest
from django.db import OperationalError
from rest_framework.test import APIClient

from inference.domain.lifecycle import Origin
from inference.services.admit import admit
from inference.services.receipts import signer
from marketplace.accounts.selectors import platform_for
from marketplace.api.views import PAGE
from marketplace.catalog.models import Listing
from marketplace.catalog.services.listing import list_version, unlist
from marketplace.core.ids import short
from providers.services.publish import publish_folder
from tests.integration.api.conftest import Buyer
from tests.support.checks import pass_checks
from tests.support.documented import assert_documented
from tests.support.folders import CARD, make_folder, weights
from tests.support.parties import make_call_target, make_listing

pytestmark = pytest.mark.usefixtures("database")


class DocumentedClient(APIClient):
    """A client that holds every answer against the API document."""

    def request(self, **kwargs):  # type: ignore[no-untyped-def]
        answer = super().request(**kwargs)
        method, path = kwargs["REQUEST_METHOD"], kwargs["PATH_INFO"]
        content_type = answer.headers.get("Content-Type", "")
        assert_documented(method, path, answer.status_code, content_type=content_type, body=answer.content)
        return answer


def client(key: str | None = None) -> APIClient:
    found = DocumentedClient(raise_request_exception=False)
    if key:
        found.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
    return found


def assert_problem(answer, status: int, detail: str) -> None:  # type: ignore[no-untyped-def]
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    document = answer.json()
    assert set(document) - {"errors"} == {"type", "title", "status", "detail", "instance"}
    assert document["status"] == status
    assert detail in document["detail"]


def test_paging_lists_each_of_the_callers_predictions_once(buyer: Buyer, other: Buyer, listing: Listing):
    target = make_call_target(listing)
    made = sorted(
        short(admit(caller=buyer.party.actor, target=target, inputs={"prompt": f"{n}"}, origin=Origin.API))
        for n in range(PAGE + 5)
    )
    admit(caller=other.party.actor, target=target, inputs={"prompt": "x"}, origin=Origin.API)
    first = client(buyer.key).get("/v1/predictions").json()
    assert [one["id"] for one in first["results"]] == made[::-1][:PAGE]
    assert first["previous"] is None
    second = client(buyer.key).get(first["next"].split("8000", 1)[1]).json()
    assert [one["id"] for one in second["results"]] == made[::-1][PAGE:]
    assert second["next"] is None
    assert client(other.key).get(first["next"].split("8000", 1)[1]).json()["results"] == []


def test_a_buyer_without_predictions(buyer: Buyer):
    assert client(buyer.key).get("/v1/predictions").json() == {"previous": None, "next": None, "results": []}


@pytest.mark.parametrize("cursor", ["x", "\0", "V" * 26, "x" * 10_000, "0" * 25])
def test_an_invalid_cursor_is_refused(buyer: Buyer, cursor: str):
    answer = client(buyer.key).get("/v1/predictions", {"cursor": cursor})
    assert_problem(answer, 422, "There is no such page")
    assert [error["field"] for error in answer.json()["errors"]] == ["cursor"]


def test_a_model_with_its_price_and_schema(listing: Listing, slug: str):
    for path in (f"/v1/models/{slug}", f"/v1/models/{slug.upper()}"):
        document = client().get(path).json()
        assert (document["owner"], document["name"]) == tuple(slug.split("/"))
        assert document["price"] == {"unit": "image", "amount_micro": 4_000, "currency": "USD"}
        assert (document["license"], document["task"], document["run_count"]) == ("apache-2.0", "text-to-image", 0)
        assert document["latest_version"]["id"] == listing.version_id
        schemas = document["latest_version"]["openapi_schema"]["components"]["schemas"]
        assert schemas["Input"]["required"] == ["prompt"]
    listed = {one["url"]: one for one in client().get("/v1/models", {"query": slug}).json()["results"]}
    assert listed[document["url"]] | {"measured": None} == document | {"measured": None}


def test_versions_newest_first(listing: Listing, slug: str, tmp_path: Path):
    newer = publish_folder(
        actor=platform_for(listing.model.organization),
        folder=make_folder(tmp_path / "newer", {"vae/diffusion_pytorch_model.safetensors": weights(data=b"\3" * 16)}),
        name=listing.model.name,
    )
    results = client().get(f"/v1/models/{slug}/versions").json()["results"]
    assert [one["id"] for one in results] == [listing.version_id], "what has not passed its checks is nobody's business"
    pass_checks(newer)
    results = client().get(f"/v1/models/{slug}/versions").json()["results"]
    assert [one["id"] for one in results] == [newer.pk, listing.version_id]
    assert client().get(f"/v1/models/{slug}/versions/{newer.pk}").json() == results[0]
    assert client().get(f"/v1/models/{slug}").json()["latest_version"]["id"] == listing.version_id
    list_version(version=newer, actor=platform_for(newer.model.organization))
    assert client().get(f"/v1/models/{slug}").json()["latest_version"]["id"] == newer.pk


@pytest.mark.parametrize("name", ["nothing", "a%00b", "%25", "_", "x" * 3_000, "%27%22%3B--", "%F0%9F%92%A3"])
def test_unknown_objects_answer_404(slug: str, name: str):
    owner = slug.split("/")[0]
    for path in (f"/v1/models/{owner}/{name}", f"/v1/models/{name}/{name}", f"/v1/models/{name}/x/versions"):
        assert_problem(client().get(path), 404, "is on sale")
    assert_problem(client().get(f"/v1/models/{slug}/versions/{name}"), 404, "has no version")


def test_an_unlisted_model_is_found_nowhere(listing: Listing, slug: str):
    unlist(listing=listing, actor=platform_for(listing.model.organization))
    for path in ("", "/versions", f"/versions/{listing.version_id}"):
        assert_problem(client().get(f"/v1/models/{slug}{path}"), 404, "is on sale")
    assert slug not in client().get("/v1/models").content.decode()


def test_search_as_replicates_clients_send_it(tmp_path: Path):
    word = secrets.token_hex(6)
    text = CARD.replace("Icons on coloured grounds.", f"{word} 100% Grün")
    listing = make_listing(folder=make_folder(tmp_path, {"README.md": text}))

    def search(body: bytes):  # type: ignore[no-untyped-def]
        return client().generic("QUERY", "/v1/models", body, content_type="text/plain")

    for body in (word, word.upper(), f" {word}  grün ", f"{word} 100%", f'"{word} gr\\u00fcn"', f'"{word}'):
        assert [one["name"] for one in search(body.encode()).json()["results"]] == [listing.model.name], body
    odd = [b"\xff\xfe", b"x" * 10_000, b'"zzqq', b"zzqq'", f"{word} zzqq".encode(), b"zzqq\\", b"zzqq%"]
    for body in odd:
        answer = search(body)
        assert (answer.status_code, answer.json()["results"]) == (200, []), body
    assert len(search(b"").json()["results"]) > 0
    assert_problem(search(b"a\0b"), 400, "must not contain NUL")
    assert_problem(search(b"x" * 3_000_000), 413, "at most")


def test_the_account(buyer: Buyer, listing: Listing):
    admit(caller=buyer.party.actor, target=make_call_target(listing), inputs={"prompt": "x"}, origin=Origin.API)
    assert client(buyer.key).get("/v1/account").json() == {
        "type": "organization",
        "username": buyer.party.organization.slug,
        "name": buyer.party.organization.slug,
        "balance": {"available": "0.996000", "held": "0.004000", "currency": "USD"},
    }


def test_the_keys_of_receipts():
    key = signer()
    assert client().get("/v1/receipts/keys").json() == {
        "keys": [{"id": key.key_id, "algorithm": "Ed25519", "public_key": key.public_key}]
    }


@pytest.mark.parametrize(
    "path", ["/v1/predictions", "/v1/account", "/v1/models", "/v1/models/a/b", "/v1/receipts/keys"]
)
def test_another_method_is_refused(buyer: Buyer, path: str):
    answer = client(buyer.key).delete(path)
    assert_problem(answer, 405, "DELETE")
    assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize("path", ["/v1/predictions", "/v1/account", "/v1/models"])
def test_an_unsupported_media_type_is_refused(buyer: Buyer, path: str):
    answer = client(buyer.key).get(path, headers={"accept": "image/png"})
    assert_problem(answer, 406, "Accept")
    assert client(buyer.key).get(path, headers={"accept": "text/html, */*;q=0.1"}).status_code == 200


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (ZeroDivisionError("a secret"), 500, "This was logged."),
        (OperationalError("a secret"), 503, "The database does not answer."),
    ],
    ids=["a bug", "no database"],
)
def test_an_unexpected_error_is_a_problem_document(buyer: Buyer, monkeypatch, error, status, detail):  # type: ignore[no-untyped-def]
    def fail(*args: object, **kwargs: object) -> None:
        raise error

    monkeypatch.setattr("marketplace.api.views.balance_of", fail)
    answer = client(buyer.key).get("/v1/account")
    assert_problem(answer, status, detail)
    assert b"secret" not in answer.content
