"""The catalogue's page and the front page: few queries and bytes for any number of models, and what they say."""

import re
import secrets

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from marketplace.catalog.search import PAGE_SIZE
from marketplace.catalog.services.vocabulary import add_new_words
from tests.support.many_listings import make_listings
from tests.support.parties import make_listing, make_party

pytestmark = pytest.mark.usefixtures("database")

MAX_BYTES = 200_000


def get(address: str) -> tuple[str, int]:
    """The page, and the number of queries that it took."""
    with CaptureQueriesContext(connection) as captured:
        answer = Client().get(address)
    assert answer.status_code == 200
    assert len(answer.content) <= MAX_BYTES
    return answer.content.decode(), len(captured)


@pytest.mark.parametrize(
    "query", ["", "&sort=cheapest", "&q=icon", "&q=icon&sort=newest", "&task=text-to-image&price=low"]
)
def test_the_catalogue_takes_the_same_queries_at_two_sizes(query: str):
    few, many = (make_party(can_buy=False, can_provide=True) for _ in range(2))
    make_listings(30, provider=few)
    make_listings(300, provider=many)
    pages = [get(f"/models?provider={party.organization.slug}{query}") for party in (few, many)]
    assert pages[0][1] == pages[1][1] <= 12
    for page, _ in pages:
        assert page.count('class="board-name') == PAGE_SIZE


def test_the_front_page_takes_the_same_queries_at_two_sizes():
    make_listings(30)
    _, before = get("/")
    make_listings(300)
    _, after = get("/")
    assert before == after <= 16


def test_the_pages_lead_to_each_other():
    listings = make_listings(PAGE_SIZE + 5)
    address, names = f"/models?provider={listings[0].model.organization.slug}&sort=cheapest", []
    page, _ = get(address)
    names += re.findall(r"board-name.*?</span>(\w+)</a>", page)
    following = re.search(r'rel="next" href="([^"]+)"', page)
    assert following is not None
    assert 'rel="prev"' not in page
    page, _ = get("/models" + following[1].replace("&amp;", "&"))
    names += re.findall(r"board-name.*?</span>(\w+)</a>", page)
    assert names == [listing.model.name for listing in listings]
    assert 'rel="next"' not in page
    preceding = re.search(r'rel="prev" href="([^"]+)"', page)
    assert preceding is not None
    page, _ = get("/models" + preceding[1].replace("&amp;", "&"))
    assert re.findall(r"board-name.*?</span>(\w+)</a>", page) == names[:PAGE_SIZE]


@pytest.mark.parametrize("cursor", ["x", "%00", "x" * 3_000, "%F0%9F%92%A3"])
def test_a_wrong_cursor_shows_the_first_page(cursor: str):
    owner = make_listings(2)[0].model.organization.slug
    page, _ = get(f"/models?provider={owner}&cursor={cursor}")
    assert page.count('class="board-name') == 2


def test_a_corrected_search_says_so_and_offers_what_was_typed():
    provider = make_party(can_buy=False, can_provide=True)
    owner = provider.organization.slug
    make_listing(provider=provider, name="quick-icons")
    add_new_words()
    page, _ = get(f"/models?q=quik+icns+{owner}")
    assert re.search(rf"Showing results for <strong[^>]*>quick icons {owner}</strong>", page)
    assert "quick-icons" in page
    exact = re.search(r'href="([^"]+)">Search for “quik icns', page)
    assert exact is not None
    page, _ = get("/models" + exact[1].replace("&amp;", "&"))
    assert "Showing results for" not in page
    assert "No model matches" in page


def test_facets_are_links_that_combine_and_can_be_taken_back():
    provider = make_party(can_buy=False, can_provide=True)
    owner = provider.organization.slug
    make_listings(3, provider=provider, price=lambda number: [0, 5_000, 50_000][number])
    page, _ = get(f"/models?provider={owner}&q=icon&cursor=x")
    links = dict(re.findall(r'href="(\?[^"]*)" *><span class="facet-label">([^<]*)</span>', page))
    free = next(address for address, label in links.items() if label == "Free").replace("&amp;", "&")
    assert "q=icon" in free
    assert f"provider={owner}" in free
    assert "cursor" not in free
    page, _ = get(f"/models{free}")
    assert page.count('class="board-name') == 1
    back = re.search(r'href="(\?[^"]*)" aria-current="true"><span class="facet-label"><svg[^>]*>.*?</svg>Free', page)
    assert back is not None
    assert "price=" not in back[1]


def test_texts_of_an_address_are_escaped():
    word = f"<b>{secrets.token_hex(4)}</b>"
    for query in (f"q={word}", f"license={word}", f"provider={word}", f"price={word}", f"task={word}"):
        page, _ = get(f"/models?{query}")
        assert word not in page
