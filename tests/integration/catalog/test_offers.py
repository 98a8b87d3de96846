"""The catalogue's search."""

import secrets
from pathlib import Path

import pytest

from marketplace.accounts.selectors import platform_for
from marketplace.catalog.models import Listing
from marketplace.catalog.selectors import SORTS, listed_tasks, offer_named, offers
from marketplace.catalog.services.listing import unlist
from tests.support.folders import CARD, make_folder
from tests.support.parties import change_price, make_listing

pytestmark = pytest.mark.usefixtures("database")


def listing_about(tmp_path: Path, text: str, *, price: int = 4_000) -> Listing:
    folder = make_folder(
        tmp_path / secrets.token_hex(4), {"README.md": CARD.replace("Icons on coloured grounds.", text)}
    )
    return make_listing(folder=folder, unit_price=price)


def found(query: str, **more: str) -> list[object]:
    return [offer.listing.pk for offer in offers(query=query, **more)]


def test_every_word_counts_and_case_does_not(tmp_path: Path):
    word = secrets.token_hex(6)
    red, blue = listing_about(tmp_path, f"Red {word} icons"), listing_about(tmp_path, f"Blue {word} icons")
    assert set(found(word.upper())) == {red.pk, blue.pk}
    assert found(f"blue {word}") == found(f"  {word}   BLUE ") == [blue.pk]
    assert found(f"green {word}") == []
    assert found(red.model.name) == found(red.model.organization.slug) == [red.pk]


@pytest.mark.parametrize("text", ["100%", "under_score", "it's", 'a "quote"', "back\\slash", "<b>", "größe", "; DROP"])
def test_odd_characters_mean_themselves(tmp_path: Path, text: str):
    word = secrets.token_hex(6)
    listing, other = listing_about(tmp_path, f"{word} {text} x"), listing_about(tmp_path, f"{word} 100 underXscore")
    assert found(f"{word} {text}") == [listing.pk]
    assert other.pk not in found(text)


@pytest.mark.parametrize("query", ["x" * 10_000, "xqz " * 10_000, "\u202e"])
def test_impossible_names_find_nothing(query: str):
    assert found(query) == []


def test_an_empty_query_finds_all_listed_models(tmp_path: Path):
    listing = listing_about(tmp_path, "Something")
    assert listing.pk in found("")
    assert listing.pk in found(" \t\n ")
    unlist(listing=listing, actor=platform_for(listing.model.organization))
    assert listing.pk not in found("")


def test_by_task(tmp_path: Path):
    listing = listing_about(tmp_path, "Something")
    assert "text-to-image" in listed_tasks()
    assert listing.pk in found("", task="text-to-image")
    for task in ("text-to-speech", "%", "x" * 10_000):
        assert found("", task=task) == []


def test_orders(tmp_path: Path):
    word = secrets.token_hex(6)
    listings = [listing_about(tmp_path, f"{word} icons", price=price) for price in (3_000, 1_000, 2_000)]
    assert found(word, sort="cheapest") == [listings[1].pk, listings[2].pk, listings[0].pk]
    assert found(word, sort="newest") == [listings[2].pk, listings[1].pk, listings[0].pk]
    for sort in (*SORTS, "nonsense"):
        assert set(found(word, sort=sort)) == {listing.pk for listing in listings}
    change_price(listings[1], 9_000)
    assert found(word, sort="cheapest")[-1] == listings[1].pk


def test_an_offer_shows_the_price_in_effect_and_that_nothing_was_measured(tmp_path: Path):
    listing = listing_about(tmp_path, "Something")
    change_price(listing, 7_000)
    offer = offer_named(listing.model.organization.slug.upper(), listing.model.name.upper())
    assert offer.slug == f"{listing.model.organization.slug}/{listing.model.name}"
    assert (offer.price.amount, offer.price.version, offer.stats.runs, offer.stats.ended) == (7_000, 2, 0, 0)
    assert offer.stats.success_rate is None
