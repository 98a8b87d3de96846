"""Resolving a name to a version and a price."""

from pathlib import Path

import pytest

from inference.services.admit import CallTarget
from marketplace.accounts.selectors import platform_for
from marketplace.catalog.domain import Reference, parse_reference
from marketplace.catalog.models import Listing
from marketplace.catalog.selectors import offer_named
from marketplace.catalog.services import resolution
from marketplace.catalog.services.listing import list_version, unlist
from marketplace.core.problems import Conflict, NotFound
from providers.services.publish import publish_folder
from tests.support.checks import pass_checks
from tests.support.folders import make_folder, weights
from tests.support.parties import change_price, make_listing, make_party

pytestmark = pytest.mark.usefixtures("database")

UNET = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture
def listing(tmp_path: Path) -> Listing:
    return make_listing(folder=make_folder(tmp_path))


def slug(listing: Listing) -> str:
    return f"{listing.model.organization.slug}/{listing.model.name}"


def resolve(text: str) -> CallTarget:
    reference = parse_reference(text)
    assert reference is not None
    return resolution.resolve(reference)


def second_version(listing: Listing, tmp_path: Path):  # type: ignore[no-untyped-def]
    version = publish_folder(
        actor=platform_for(listing.model.organization),
        folder=make_folder(tmp_path, {UNET: weights(data=b"\2" * 16)}),
        name=listing.model.name,
    )
    return pass_checks(version)


def test_a_name_in_any_case_means_the_version_on_sale(listing: Listing):
    for text in (slug(listing), slug(listing).upper(), f"{slug(listing)}@latest", f"{slug(listing)}:latest"):
        target = resolve(text)
        assert (target.model_id, target.model, target.version) == (listing.model_id, slug(listing), listing.version_id)
        assert (target.terms.amount, target.terms.version, target.task.name) == (4_000, 1, "text-to-image")


def test_versions_by_number_and_id(listing: Listing, tmp_path: Path):
    newer = second_version(listing, tmp_path)
    assert resolve(slug(listing)).version == listing.version_id, "what is newer is not on sale until it is listed"
    for text, version in [
        (f"{slug(listing)}@v1", listing.version_id),
        (f"{slug(listing)}@v2", newer.pk),
        (f"{slug(listing)}:{newer.pk}", newer.pk),
        (f"{slug(listing)}@latest", listing.version_id),
    ]:
        assert resolve(text).version == version
    assert resolution.reference_of_version(newer.pk) == parse_reference(f"{slug(listing)}:{newer.pk}")
    list_version(version=newer, actor=platform_for(newer.model.organization))
    assert resolution.look_up(Reference(*slug(listing).split("/"))).version == newer.pk


@pytest.mark.parametrize(
    "version", ["v0", "v2", "v01", "V1", "v1 ", "v999999999999", "1", "f" * 40, "", "LATEST", "a\0b", "%"]
)
def test_invalid_version_references_are_refused(listing: Listing, version: str):
    owner, name = slug(listing).split("/")
    with pytest.raises(NotFound, match="has no version"):
        resolution.resolve(Reference(owner, name, version))


def test_a_version_of_another_model_is_none_of_this(listing: Listing, tmp_path: Path):
    other = make_listing(folder=make_folder(tmp_path / "other"))
    with pytest.raises(NotFound, match="has no version"):
        resolve(f"{slug(listing)}:{other.version_id}")


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        ("nobody", "nothing"),
        ("a\0b", "c"),
        ("%", "%"),
        ("_", "_"),
        ("'; --", "x"),
        ("x" * 10_000, "y"),
        ("", ""),
        ("ü", "ß"),
    ],
)
def test_unknown_models_are_not_found(owner: str, name: str):
    with pytest.raises(NotFound, match="is on sale"):
        resolution.resolve(Reference(owner, name))
    with pytest.raises(NotFound, match="is on sale"):
        offer_named(owner, name)


@pytest.mark.parametrize("text", ["", "x", "g" * 40, "F" * 40, "0" * 40, "a\0b", "x" * 10_000])
def test_invalid_version_ids_are_not_found(text: str):
    with pytest.raises(NotFound, match="There is no version"):
        resolution.reference_of_version(text)


@pytest.mark.parametrize(
    "text", ["", "x", "a/b/c", "a/b:c:d", "a/b@c@d", "/b", "a/", "a/b:", "a b/c", "a/b\n", "a/b@v2 "]
)
def test_invalid_references_are_refused(text: str):
    assert parse_reference(text) is None


def test_an_unlisted_model_is_not_found_by_any_name(listing: Listing):
    texts = [slug(listing), f"{slug(listing)}@v1", f"{slug(listing)}:{listing.version_id}"]
    unlist(listing=listing, actor=platform_for(listing.model.organization))
    for text in texts:
        with pytest.raises(NotFound, match=f'No model "{slug(listing)}" is on sale'):
            resolve(text)
    with pytest.raises(NotFound):
        offer_named(*slug(listing).split("/"))
    list_version(version=listing.version, actor=platform_for(listing.model.organization))
    assert resolve(slug(listing)).version == listing.version_id


def test_a_model_without_a_price_is_not_listed(tmp_path: Path):
    provider = make_party(can_provide=True)
    version = publish_folder(actor=provider.actor, folder=make_folder(tmp_path), name="x")
    pass_checks(version)
    before = Listing.objects.count()
    with pytest.raises(Conflict, match="Set a price before the model is listed"):
        list_version(version=version, actor=provider.actor)
    assert Listing.objects.count() == before


def test_a_new_price_shows_once_the_snapshot_is_old_or_forgotten(listing: Listing, monkeypatch: pytest.MonkeyPatch):
    now = [1_000_000.0]
    monkeypatch.setattr("marketplace.catalog.services.resolution.time.monotonic", lambda: now[0])
    reference = parse_reference(slug(listing))
    assert reference is not None
    assert resolution.kept(reference) is None
    assert resolution.resolve(reference).terms.amount == 4_000
    change_price(listing, 5_000)
    now[0] += resolution.CACHE_SECONDS - 0.01
    assert resolution.resolve(reference).terms.amount == 4_000
    assert resolution.kept(reference) is resolution.resolve(reference)
    now[0] += 0.02
    assert resolution.kept(reference) is None
    terms = resolution.resolve(reference).terms
    assert (terms.amount, terms.version) == (5_000, 2)
    change_price(listing, 6_000)
    resolution.forget(reference)
    assert resolution.resolve(reference).terms.amount == 6_000


def test_snapshots_do_not_grow_without_end(listing: Listing, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(resolution, "MAX_CACHED", 3)
    owner, name = slug(listing).split("/")
    for version in (None, "v1", "latest", listing.version_id):
        resolution.resolve(Reference(owner, name, version))
    assert len(resolution._kept) <= 3
