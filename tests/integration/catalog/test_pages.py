"""Walking the pages of the models on sale by key, also while they change, and the plans that serve them."""

from collections.abc import Callable, Iterator, Sequence

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.accounts.selectors import platform_for
from marketplace.catalog import search as catalog
from marketplace.catalog.cursors import NoSuchPage, read_cursor
from marketplace.catalog.models import Listing, SearchEntry
from marketplace.catalog.search import KINDS, ORDERS, Search
from marketplace.catalog.services.listing import unlist
from tests.support.many_listings import make_listings
from tests.support.parties import change_price, make_party

pytestmark = pytest.mark.usefixtures("database")

COUNT = 9
KEYS: dict[str, Callable[[SearchEntry], object]] = {
    "popular": lambda entry: entry.runs,
    "newest": lambda entry: entry.created_at,
    "cheapest": lambda entry: entry.price_or_last,
    "fastest": lambda entry: entry.seconds_or_last,
}
FIGURES = st.fixed_dictionaries(
    {
        "runs": st.integers(0, 3),
        "price": st.one_of(st.none(), st.integers(0, 3)),
        "p50_run_seconds": st.one_of(st.none(), st.sampled_from([0.1, 0.1 + 1e-16, 0.30000000000000004, 5.0])),
    }
)


@pytest.fixture(scope="module")
def listings(django_db_blocker) -> Sequence[Listing]:  # type: ignore[no-untyped-def]
    with django_db_blocker.unblock():
        return make_listings(COUNT, description=lambda number: f"Icon {'x' * (number % 3)}")


def walk(search: Search, *, size: int, between: Callable[[], None] = lambda: None) -> list[object]:
    """The ids of all models, page by page to the end, with a change between pages."""
    found, seen, cursor = catalog.understand(search), list[object](), None
    while True:
        page = catalog.page_of(search, found, cursor=cursor, size=size)
        shown = [offer.listing.pk for offer in page.offers]
        seen += shown
        if page.following is None:
            return seen
        cursor = read_cursor(str(page.following), kinds=KINDS)
        between()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(FIGURES, min_size=COUNT, max_size=COUNT), st.sampled_from(list(KEYS)), st.integers(1, 5))
def test_every_model_comes_once_and_in_order(
    listings: Sequence[Listing], figures: list[dict[str, object]], sort: str, size: int
):
    for listing, values in zip(listings, figures, strict=True):
        SearchEntry.objects.filter(pk=listing.pk).update(**values)
    owner = listings[0].model.organization.slug
    search = Search("", {"provider": owner}, sort)
    is_descending = ORDERS[sort].is_descending
    expected = sorted(
        SearchEntry.objects.filter(owner=owner), key=lambda one: (KEYS[sort](one), one.pk), reverse=is_descending
    )
    assert walk(search, size=size) == [entry.pk for entry in expected]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(FIGURES, min_size=COUNT, max_size=COUNT), st.sampled_from([*KEYS, "relevance"]), st.integers(1, 5))
def test_the_way_back_shows_the_same_pages(
    listings: Sequence[Listing], figures: list[dict[str, object]], sort: str, size: int
):
    for listing, values in zip(listings, figures, strict=True):
        SearchEntry.objects.filter(pk=listing.pk).update(**values)
    search = Search("icon", {"provider": listings[0].model.organization.slug}, sort)
    found, pages, page = catalog.understand(search), list[list[object]](), None
    while page is None or page.following:
        page = catalog.page_of(search, found, cursor=page.following if page else None, size=size)
        pages.append([offer.listing.pk for offer in page.offers])
    assert sum(map(len, pages)) == len({one for shown in pages for one in shown}) == COUNT
    for shown in reversed(pages[:-1]):
        assert page.preceding is not None
        page = catalog.page_of(search, found, cursor=page.preceding, size=size)
        assert [offer.listing.pk for offer in page.offers] == shown
    assert page.preceding is None


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.sampled_from(["newest", "cheapest", "popular"]), st.integers(1, 4))
def test_models_that_stay_come_once_while_others_change(data: st.DataObject, sort: str, size: int):
    provider = make_party(can_buy=False, can_provide=True)
    staying = make_listings(6, provider=provider, price=lambda number: 1_000 * (number % 3))
    others = make_listings(4, provider=make_party(can_buy=False, can_provide=True))
    SearchEntry.objects.filter(pk__in=[one.pk for one in others]).update(owner=provider.organization.slug)

    def change() -> None:
        other = data.draw(st.sampled_from(others))
        if data.draw(st.booleans()):
            actor = platform_for(other.model.organization)
            unlist(listing=Listing.objects.select_related("model").get(pk=other.pk), actor=actor)
        else:
            SearchEntry.objects.filter(pk=other.pk).update(
                price=data.draw(st.integers(0, 3_000)), runs=data.draw(st.integers(0, 3))
            )

    seen = walk(Search("", {"provider": provider.organization.slug}, sort), size=size, between=change)
    kept = [pk for pk in seen if pk in {one.pk for one in staying}]
    entries = SearchEntry.objects.filter(pk__in=[one.pk for one in staying])
    expected = sorted(entries, key=lambda one: (KEYS[sort](one), one.pk), reverse=ORDERS[sort].is_descending)
    assert kept == [entry.pk for entry in expected]


def test_a_repriced_model_is_shown_where_it_stands_when_its_place_is_reached():
    first, second, third = make_listings(3)
    search = Search("", {"provider": first.model.organization.slug}, "cheapest")
    assert walk(search, size=1) == [first.pk, second.pk, third.pk]
    assert walk(search, size=1, between=lambda: _cheapen(third)) == [first.pk, second.pk]


def _cheapen(listing: Listing) -> None:
    change_price(Listing.objects.select_related("model__organization").get(pk=listing.pk), 1)


def test_a_cursor_of_another_order_is_refused():
    listings = make_listings(3)
    search = Search("", {"provider": listings[0].model.organization.slug}, "cheapest")
    page = catalog.page_of(search, catalog.understand(search), size=1)
    assert catalog.cursor_in(str(page.following), search) == page.following
    with pytest.raises(NoSuchPage):
        catalog.cursor_in(str(page.following), Search(sort="newest"))


# What serves each page at some thousand rows. The planner is left as it is.
PLANS = {
    "popular": "entry_by_runs",
    "newest": "entry_by_age",
    "cheapest": "entry_by_price",
    "fastest": "entry_by_speed",
}


@pytest.fixture(scope="module")
def thousands(django_db_blocker) -> Iterator[Sequence[Listing]]:  # type: ignore[no-untyped-def]
    with django_db_blocker.unblock():
        listings = make_listings(3_000, description=lambda number: f"Icon w{number}z")
        with connection.cursor() as cursor:
            cursor.execute("UPDATE catalog_searchentry SET runs = random() * 1e6, p50_run_seconds = random() * 100")
            cursor.execute("ANALYZE catalog_searchentry")
        yield listings
        SearchEntry.objects.update(runs=0, p50_run_seconds=None)  # the first page is that of the newest again
        Listing.objects.filter(pk__in=[one.pk for one in listings]).update(listed=False)
        SearchEntry.objects.filter(listing__listed=False).delete()


@pytest.mark.parametrize("sort", list(PLANS))
def test_an_index_serves_the_first_page_and_those_behind_it(thousands: Sequence[Listing], sort: str):
    search = Search("", {}, sort)
    page = catalog.page_of(search, catalog.Found(), size=25)
    for cursor in (None, page.following):
        plan = catalog.rows_of(search, catalog.Found(), cursor).values_list("pk")[:26].explain()
        assert PLANS[sort] in plan, plan
        assert "Sort" not in plan, plan
        assert "Seq Scan" not in plan, plan


def test_an_index_serves_words(thousands: Sequence[Listing]):
    found = catalog.understand(Search("w2999z"))
    plan = catalog.rows_of(Search("w2999z"), found, None).values_list("pk")[:26].explain()
    assert "entry_words" in plan, plan
    assert "Seq Scan" not in plan, plan


def test_pages_far_behind_read_no_more_rows_than_the_first(thousands: Sequence[Listing]):
    search = Search("", {}, "popular")
    SearchEntry.objects.filter(pk__in=[one.pk for one in thousands[:2_000]]).update(runs=0)
    far = SearchEntry.objects.filter(runs=0).order_by("-pk")[1_500]
    cursor = catalog.Cursor("popular", 0, far.pk)
    plan = catalog.rows_of(search, catalog.Found(), cursor).values_list("pk")[:26].explain(analyze=True)
    assert "entry_by_runs" in plan, plan
    assert "Rows Removed by Filter" not in plan, plan
