"""Entries of the catalogue follow what they are derived from, also where changes race or were missed."""

import secrets
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from billing.pricing.domain import Unit
from billing.pricing.models import Price
from marketplace.accounts.selectors import platform_for
from marketplace.catalog.domain import sku_of
from marketplace.catalog.models import Listing, SearchEntry
from marketplace.catalog.services import entries
from marketplace.catalog.services.listing import list_version, unlist
from marketplace.catalog.services.pricing import price_model
from providers.models import GenerativeModel
from providers.services.publish import publish_folder
from tests.support.checks import pass_checks
from tests.support.concurrency import run_concurrently
from tests.support.folders import CARD, make_folder
from tests.support.many_listings import make_listings
from tests.support.parties import HERO, change_price, make_listing

pytestmark = pytest.mark.usefixtures("database")


def entry_of(listing: Listing) -> SearchEntry | None:
    return SearchEntry.objects.filter(pk=listing.pk).first()


def newer_version(listing: Listing, tmp_path: Path, text: str):  # type: ignore[no-untyped-def]
    card = CARD.replace("Icons on coloured grounds.", text).replace("apache-2.0", "mit")
    folder = make_folder(tmp_path / secrets.token_hex(4), {"README.md": card})
    actor = platform_for(listing.model.organization)
    return pass_checks(publish_folder(actor=actor, folder=folder, name=listing.model.name))


def test_an_entry_follows_listing_version_price_and_unlisting(tmp_path: Path):
    listing = make_listing(unit_price=4_000)
    actor, entry = platform_for(listing.model.organization), entry_of(listing)
    assert entry is not None
    assert (entry.price, entry.price_band, entry.license, entry.runs) == (4_000, "low", "apache-2.0", 0)
    assert (entry.slug, entry.owner) == (listing.slug, listing.model.organization.slug)
    change_price(listing, 70_000)
    entry = entry_of(listing)
    assert entry is not None
    assert (entry.price, entry.price_band, entry.price_or_last) == (70_000, "middle", 70_000)
    list_version(version=newer_version(listing, tmp_path, "Zebras."), actor=actor)
    entry = entry_of(listing)
    assert entry is not None
    assert entry.license == "mit"
    assert "zebra" in str(entry.vector)
    unlist(listing=listing, actor=actor)
    assert entry_of(listing) is None
    list_version(version=listing.version, actor=actor)
    assert entry_of(listing) is not None


def test_a_price_that_depends_on_the_input_is_sorted_last():
    matting = make_listing(folder=HERO.with_name("matte"))
    actor = platform_for(matting.model.organization)
    price_model(model=matting.model, unit=Unit.MEGAPIXEL, amount=1, actor=actor)
    entry = entry_of(matting)
    assert entry is not None
    assert (entry.price_band, entry.price_or_last) == ("", 2**63 - 1)
    assert (entry.speed_band, entry.seconds_or_last) == ("", float("inf"))


def test_a_price_is_shown_once_it_becomes_effective():
    listing = make_listing()
    soon = timezone.now() + timedelta(seconds=2)
    price = Price.objects.get(sku=sku_of(listing.model_id))
    price.pk, price.version, price.amount, price.effective_from = None, 2, 9_000, soon
    price.save()
    entries.refresh([listing.pk])
    entry = entry_of(listing)
    assert entry is not None
    assert (entry.price, entry.refresh_at) == (4_000, soon)
    time.sleep((soon - timezone.now()).total_seconds() + 0.1)
    entries.sweep()
    entry = entry_of(listing)
    assert entry is not None
    assert entry.price == 9_000
    assert entry.refresh_at > timezone.now() + timedelta(hours=23)


def test_the_sweep_mends_missing_and_superfluous_entries_and_those_that_are_due():
    missing, superfluous, stale, fine = make_listings(4)
    GenerativeModel.objects.filter(pk__in=[stale.pk, fine.pk]).update(license="mit")
    SearchEntry.objects.filter(pk=missing.pk).delete()
    Listing.objects.filter(pk=superfluous.pk).update(listed=False)
    SearchEntry.objects.filter(pk=stale.pk).update(refresh_at=timezone.now())
    entries.sweep()
    left = SearchEntry.objects.filter(pk__in=[missing.pk, superfluous.pk, stale.pk, fine.pk])
    found = dict(left.values_list("pk", "license"))
    assert found == {missing.pk: "apache-2.0", stale.pk: "mit", fine.pk: "apache-2.0"}


def test_a_market_without_entries_gets_them_all():
    listings = make_listings(2 * entries.BATCH + 5)
    SearchEntry.objects.filter(pk__in=[listing.pk for listing in listings]).delete()
    entries.sweep()
    assert SearchEntry.objects.filter(pk__in=[listing.pk for listing in listings]).count() == len(listings)


def test_of_racing_changes_the_entry_shows_all():
    listing = make_listing()
    for amount in range(1, 6):
        changes = [
            lambda amount=amount: change_price(listing, amount),
            lambda amount=amount: _license(listing, f"l{amount}"),
            lambda: entries.refresh([listing.pk]),
            lambda: entries.on_statistics_rolled_up([{"models": [str(listing.pk)]}]),
        ]
        run_concurrently(changes)
        entry = entry_of(listing)
        assert entry is not None
        assert (entry.price, entry.license) == (amount, f"l{amount}")


def _license(listing: Listing, text: str) -> None:
    GenerativeModel.objects.filter(pk=listing.pk).update(license=text)
    entries.refresh([listing.pk])


def test_a_model_that_is_listed_and_unlisted_at_once_has_an_entry_if_it_is_listed():
    listing = make_listing()
    actor = platform_for(listing.model.organization)
    for _ in range(5):
        run_concurrently(
            [
                lambda: unlist(listing=listing, actor=actor),
                lambda: list_version(version=listing.version, actor=actor),
                lambda: entries.refresh([listing.pk]),
                entries.sweep,
            ]
        )
        listed = Listing.objects.get(pk=listing.pk).listed
        assert (entry_of(listing) is not None) == listed


def test_models_that_do_not_exist_are_no_error():
    entries.on_statistics_rolled_up([{"models": ["00000000-0000-7000-8000-000000000000"]}, {"models": []}])
    entries.refresh([])
