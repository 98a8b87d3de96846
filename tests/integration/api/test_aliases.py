"""Aliases over the HTTP API."""

import pytest

from marketplace.catalog.models import Alias, Listing
from tests.integration.api.conftest import Buyer
from tests.integration.api.test_rest import assert_problem, client
from tests.support.folders import make_folder
from tests.support.parties import make_listing

pytestmark = pytest.mark.usefixtures("database")


def test_put_makes_and_moves_and_delete_ends(buyer: Buyer, slug: str, tmp_path):  # type: ignore[no-untyped-def]
    api = client(buyer.key)
    made = api.put("/v1/aliases/Hero", {"model": slug}, format="json")
    alias = f"{buyer.party.organization.slug}/hero"
    assert (made.status_code, made.json()["alias"], made.json()["model"]) == (201, alias, slug)
    other = make_listing(folder=make_folder(tmp_path / "other"))
    pinned = f"{other.model.organization.slug}/{other.model.name}@v1"
    moved = api.put("/v1/aliases/hero", {"model": pinned, "expected": slug}, format="json")
    assert (moved.status_code, moved.json()["model"]) == (200, pinned)
    assert [one["model"] for one in api.get("/v1/aliases").json()["results"]] == [pinned]
    assert api.delete("/v1/aliases/hero").status_code == 204
    assert_problem(api.delete("/v1/aliases/hero"), 404, "has no alias")
    assert api.get("/v1/aliases").json()["results"] == []


def test_a_concurrent_move_is_not_overwritten(buyer: Buyer, slug: str):
    api = client(buyer.key)
    api.put("/v1/aliases/hero", {"model": slug}, format="json")
    answer = api.put("/v1/aliases/hero", {"model": slug, "expected": "other/model"}, format="json")
    assert_problem(answer, 409, f"points to {slug} by now")
    assert_problem(api.put("/v1/aliases/none", {"model": slug, "expected": slug}, format="json"), 404, "has no alias")


@pytest.mark.parametrize(
    "body", [None, [], {}, {"model": 7}, {"model": ""}, {"model": "a\0/b"}, {"model": "x" * 301}, {"model": "nobody/x"}]
)
def test_bad_targets_name_the_field(buyer: Buyer, body: object):
    answer = client(buyer.key).put("/v1/aliases/hero", body, format="json")
    assert_problem(answer, 422, "alias was not changed")
    assert not Alias.objects.filter(organization=buyer.party.organization).exists()


def test_a_name_is_stored_in_canonical_spelling(buyer: Buyer, slug: str):
    answer = client(buyer.key).put("/v1/aliases/%20Hero", {"model": slug}, format="json")
    assert (answer.status_code, answer.json()["alias"]) == (201, f"{buyer.party.organization.slug}/hero")


@pytest.mark.parametrize("name", ["a b", "-x", "x.git", "y" * 64, "%00"])
def test_bad_names_are_refused(buyer: Buyer, slug: str, name: str):
    answer = client(buyer.key).put(f"/v1/aliases/{name}", {"model": slug}, format="json")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "name"


def test_other_organisations_see_no_aliases(buyer: Buyer, other: Buyer, listing: Listing, slug: str):
    client(buyer.key).put("/v1/aliases/hero", {"model": slug}, format="json")
    assert client(other.key).get("/v1/aliases").json()["results"] == []
    assert_problem(client(other.key).delete("/v1/aliases/hero"), 404, "has no alias")
    assert Alias.objects.filter(organization=buyer.party.organization).exists()
