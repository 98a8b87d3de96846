"""Searches: words, prefixes, corrections, facets, orders, hostile texts."""

import secrets
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from marketplace.catalog import search as catalog
from marketplace.catalog.models import Listing, SearchEntry
from marketplace.catalog.search import MAX_COUNT, Search
from marketplace.catalog.services.vocabulary import add_new_words, count_words
from tests.support.folders import make_folder
from tests.support.many_listings import make_listings
from tests.support.parties import HERO, Party, make_listing, make_party

pytestmark = pytest.mark.usefixtures("database")


def letters() -> str:
    """A word that no other test has, without digits, which is no English word."""
    return "".join(secrets.choice("bcdfghjklmnpqrstvwxz") for _ in range(10))


def named(text: str, **facets: str) -> list[str]:
    """The names of the models that a search finds, the best match first."""
    search = Search(text, facets)
    return [offer.listing.model.name for offer in catalog.page_of(search, catalog.understand(search), size=100).offers]


def publish(tmp_path: Path, name: str, *, provider: Party, description: str = "Something", **metadata: str) -> Listing:
    lines = "".join(f"{key}: {value}\n" for key, value in ({"license": "mit"} | metadata).items())
    card = f"---\n{lines}---\n{description}\n\n## More\n\nThe end of its card."
    folder = make_folder(tmp_path / secrets.token_hex(4), {"README.md": card})
    return make_listing(folder=folder, provider=provider, name=name)


@pytest.fixture
def provider() -> Party:
    return make_party(can_buy=False, can_provide=True)


def test_a_name_is_found_by_its_parts_and_their_beginnings(tmp_path: Path, provider: Party):
    word = letters()
    publish(tmp_path, f"{word}-workhorse", provider=provider)
    for text in (
        word,
        word[:7],
        f"workhorse {word}",
        f"work {word[:5].upper()}",
        f"{provider.organization.slug}/{word}",
    ):
        assert named(text) == [f"{word}-workhorse"], text
    assert named(f"{word} hero") == []


def test_provider_summary_card_tags_task_and_licence_are_searched(tmp_path: Path, provider: Party):
    owner = provider.organization.slug
    publish(tmp_path, "one", provider=provider, description="Draws lighthouses", license="cc-by-4.0", tags="[sea-side]")
    publish(tmp_path, "two", provider=provider)
    for text in ("lighthouse", "lighthouses", "drawing", "seaside sea", "cc by", "cc-by-4.0", "side"):
        expected = [] if text == "seaside sea" else ["one"]
        assert named(f"{owner} {text}") == expected, text
    assert sorted(named(f"{owner} end of its card")) == sorted(named(f"{owner} text-to-image")) == ["one", "two"]
    assert named(f"{owner} mit") == ["two"]


def test_the_matting_model_is_found_by_what_it_does(provider: Party):
    name = f"{letters()}-matte"
    make_listing(folder=HERO.with_name("matte"), provider=provider, name=name)
    assert named(f"{provider.organization.slug} background removal") == [name]
    add_new_words()
    search = Search(f"{provider.organization.slug} mate")
    assert catalog.understand(search).corrected == f"{provider.organization.slug} matte"
    assert named(search.text) == [name]


def test_mistyped_words_are_corrected_unless_they_are_meant(tmp_path: Path, provider: Party):
    owner = provider.organization.slug
    publish(tmp_path, "quick-icons", provider=provider)
    add_new_words()
    found = catalog.understand(Search(f"quik icns {owner}"))
    assert found.corrected == f"quick icons {owner}"
    assert named(f"quik icns {owner}") == named(f"qiuck icosn {owner}") == ["quick-icons"]
    assert catalog.understand(Search(f"quick icons {owner}")).corrected == ""
    exact = Search(f"quik icns {owner}", is_exact=True)
    assert not catalog.page_of(exact, catalog.understand(exact)).offers
    assert catalog.understand(exact).corrected == ""


def test_a_word_that_some_model_has_is_not_corrected(tmp_path: Path, provider: Party):
    word = letters()
    publish(tmp_path, "one", provider=provider, description=word)
    publish(tmp_path, "two", provider=provider, description=f"{word[:-1]}a")
    assert catalog.understand(Search(word)).corrected == "", "the vocabulary does not know it yet, but a model has it"
    add_new_words()
    count_words()
    assert catalog.understand(Search(word)).corrected == ""
    assert named(word) == ["one"]


def test_words_that_no_model_has_any_more_are_forgotten(tmp_path: Path, provider: Party):
    word = letters()
    listing = publish(tmp_path, "one", provider=provider, description=word)
    count_words()
    assert catalog.understand(Search(f"{word}a")).corrected == word
    SearchEntry.objects.filter(pk=listing.pk).delete()
    count_words()
    assert catalog.understand(Search(f"{word}a")).corrected == ""


def test_a_match_in_the_name_comes_before_one_in_the_card(tmp_path: Path, provider: Party):
    word = letters()
    publish(tmp_path, word, provider=provider)
    publish(tmp_path, "other", provider=provider, description=f"As {word}")
    assert named(word) == [word, "other"]


@pytest.mark.parametrize(
    "text",
    ["!&|():*<->", "'", "\\", "a & b | !c", ":*", "<->", "x" * 10_000, "xqz " * 10_000, "\u202e\u202d", "()", "a:*b",
     "𝕒𝕓𝕔", "%s %(x)s {} ", "--", "/*", "☃ 💣", "\u0301" * 100],
)  # fmt: skip
def test_hostile_texts_are_texts(text: str):
    for is_exact in (True, False):
        search = Search(text, is_exact=is_exact)
        found = catalog.understand(search)
        catalog.page_of(search, found)
        catalog.counts_of(search, found)


def test_facets_count_what_each_value_would_leave(provider: Party):
    owner = provider.organization.slug
    listings = make_listings(5, provider=provider, price=lambda number: [0, 5_000, 5_000, 50_000, 500_000][number])
    SearchEntry.objects.filter(pk=listings[0].pk).update(p50_run_seconds=0.5, success_rate=1.0)
    SearchEntry.objects.filter(pk=listings[1].pk).update(p50_run_seconds=70.0, success_rate=0.5)

    def counts(text: str = "", **facets: str) -> tuple[int, dict[str, dict[str, int]]]:
        search = Search(text, {"provider": owner, **facets})
        total, found = catalog.counts_of(search, catalog.understand(search))
        return total, {name: {one.value: one.count for one in values} for name, values in found.items()}

    for text in ("", "icon"):
        total, found = counts(text)
        assert total == 5
        assert found["price"] == {"free": 1, "low": 2, "middle": 1, "high": 1}
        assert found["speed"] == {"instant": 1, "long": 1}
        assert found["success"] == {"best": 1, "low": 1}
        assert found["task"] == {"text-to-image": 5}
        assert found["license"] == {"apache-2.0": 5}
        total, found = counts(text, price="low")
        assert (total, found["speed"]) == (2, {"long": 1})
        assert found["price"] == {"free": 1, "low": 2, "middle": 1, "high": 1}, "one may change over to another"
    assert counts(price="low", speed="instant")[0] == 0
    assert counts(price="low", speed="instant")[1]["price"] == {"free": 1, "low": 0}
    assert counts("nosuchwordatall", price="low")[0] == 0
    assert counts(task="%", license="\u202e")[0] == 0
    assert set(named("", provider=owner, price="low")) == {listing.model.name for listing in listings[1:3]}


def test_counts_are_exact_up_to_a_thousand(provider: Party):
    make_listings(MAX_COUNT + 5, provider=provider)
    search = Search("", {"provider": provider.organization.slug})
    total, facets = catalog.counts_of(search, catalog.understand(search))
    assert total == MAX_COUNT + 1
    assert [one.count for one in facets["price"]] == [MAX_COUNT + 1]


def test_a_search_sends_the_same_number_of_queries_for_few_and_many_models():
    def queries(count: int, text: str) -> int:
        owner = make_party(can_buy=False, can_provide=True)
        make_listings(count, provider=owner)
        count_words()  # an unknown word costs one more query, for its correction
        search = Search(text, {"provider": owner.organization.slug})
        with CaptureQueriesContext(connection) as captured:
            found = catalog.understand(search)
            catalog.page_of(search, found)
            catalog.counts_of(search, found)
        return len(captured)

    assert queries(3, "") == queries(60, "")
    assert queries(3, "icon") == queries(60, "icon") == queries(3, "") + 1


def test_the_size_of_the_market():
    before = catalog.market_size()
    make_listings(3)
    models, providers = catalog.market_size()
    assert models == min(before[0] + 3, catalog.MAX_MODELS_COUNTED + 1)
    assert providers == min(before[1] + 1, MAX_COUNT + 1)
