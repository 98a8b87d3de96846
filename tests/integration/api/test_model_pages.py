"""The models on sale in the API, page by page, in each dialect."""

from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from marketplace.catalog.search import MAX_PAGE_SIZE, PAGE_SIZE
from marketplace.catalog.services.vocabulary import add_new_words
from tests.integration.api.test_rest import assert_problem
from tests.support.front_client import FrontClient
from tests.support.many_listings import make_listings
from tests.support.parties import make_listing, make_party

pytestmark = pytest.mark.usefixtures("database")


def get(address: str):  # type: ignore[no-untyped-def]
    return Client().get(address.removeprefix(settings.BASE_URL))


def test_next_and_previous_lead_through_all_models():
    owner = make_party(can_buy=False, can_provide=True)
    listings = make_listings(PAGE_SIZE + 10, provider=owner)
    first = get(f"/v1/models?query={owner.organization.slug}").json()
    assert (len(first["results"]), first["previous"]) == (PAGE_SIZE, None)
    second = get(first["next"]).json()
    assert second["next"] is None
    names = {one["name"] for one in first["results"] + second["results"]}
    assert names == {listing.model.name for listing in listings}
    before = get(second["previous"]).json()
    assert [one["name"] for one in before["results"]] == [one["name"] for one in first["results"]]
    assert (before["previous"], before["next"]) == (None, first["next"])


def test_a_search_as_clients_send_it_is_paged_by_its_addresses():
    owner = make_party(can_buy=False, can_provide=True)
    make_listings(PAGE_SIZE + 1, provider=owner)
    found = Client().generic("QUERY", "/v1/models", owner.organization.slug, content_type="text/plain").json()
    assert len(found["results"]) == PAGE_SIZE
    assert len(get(found["next"]).json()["results"]) == 1


def test_a_mistyped_search_is_corrected():
    owner = make_party(can_buy=False, can_provide=True)
    make_listing(provider=owner, name="quick-icons")
    add_new_words()
    body = f'"quik icns {owner.organization.slug}"'
    found = Client().generic("QUERY", "/v1/models", body, content_type="text/plain").json()
    assert [one["name"] for one in found["results"]] == ["quick-icons"]


@pytest.mark.parametrize("cursor", ["x", "ü", "x" * 10_000, "e30"])
def test_a_wrong_cursor_is_refused(cursor: str):
    answer = get(f"/v1/models?{urlencode({'cursor': cursor})}")
    assert_problem(answer, 422, "There is no such page")
    assert [error["field"] for error in answer.json()["errors"]] == ["cursor"]


def test_a_cursor_of_another_list_is_refused():
    owner = make_party(can_buy=False, can_provide=True)
    make_listings(2, provider=owner)
    following = get(f"/v1/models?query={owner.organization.slug}&limit=1").json()["next"]
    assert_problem(get(following.replace("query=", "other=")), 422, "There is no such page")


@pytest.mark.parametrize("limit", ["0", "-1", "x", "101", "1.5", "9" * 5_000, "٣", "\0"])
def test_a_page_has_at_most_a_hundred_models(limit: str):
    assert_problem(get(f"/v1/models?{urlencode({'limit': limit})}"), 422, "There is no such page")
    assert len(get(f"/v1/models?limit={MAX_PAGE_SIZE}").json()["results"]) <= MAX_PAGE_SIZE


def test_words_with_nul_are_refused():
    assert_problem(get("/v1/models?query=a%00b"), 400, "must not contain NUL")


@pytest.mark.parametrize("query", ["", "icon"])
def test_a_page_takes_the_same_queries_at_two_sizes(query: str):
    def queries(count: int) -> int:
        owner = make_party(can_buy=False, can_provide=True)
        make_listings(count, provider=owner)
        with CaptureQueriesContext(connection) as captured:
            answer = get(f"/v1/models?query={query}+{owner.organization.slug}")
        assert len(answer.content) <= 200_000
        return len(captured)

    assert queries(30) == queries(300)


def test_the_hubs_list_is_paged_by_link_headers(front_client: FrontClient):
    party = make_party(can_buy=False, can_provide=True)
    owner = party.organization.slug
    make_listings(7, provider=party)
    address, found = f"/api/models?author={owner}&limit=3", []
    while address:
        answer = front_client.request("GET", address)
        assert len(answer.json()) <= 3
        found += [one["id"] for one in answer.json()]
        address = answer.headers.get("link", "").partition(f"<{settings.BASE_URL}")[2].partition(">")[0]
    assert found == [f"{owner}/n{number:05}" for number in range(7)]
    assert front_client.request("GET", f"/api/models?author={owner}&search=n00003").json()[0]["id"] == found[3]
    assert front_client.request("GET", f"/api/models?author={owner}&search=nothing").json() == []
    for odd in ("limit=0", "limit=-1", "limit=x", "cursor=%F0%9F%92%A3", "search=%21%26%7C", "author=%25"):
        assert front_client.request("GET", f"/api/models?{odd}").status == 200, odd
