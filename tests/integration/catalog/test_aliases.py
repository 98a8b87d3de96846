"""Aliases: an organisation's own names for models."""

import threading
from pathlib import Path

import pytest
from django.db import connections

from marketplace.accounts.models import AuditEvent, Name
from marketplace.accounts.selectors import platform_for
from marketplace.catalog.domain import parse_reference
from marketplace.catalog.models import Alias, Listing
from marketplace.catalog.selectors import alias_views, aliases_of, offer_for
from marketplace.catalog.services import resolution
from marketplace.catalog.services.aliases import AliasMoved, create_alias, delete_alias, move_alias
from marketplace.catalog.services.listing import unlist
from marketplace.catalog.services.publish import publish
from marketplace.core.problems import Conflict, Invalid, NotFound
from tests.support.folders import make_folder, weights
from tests.support.parties import Party, make_listing, make_party

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def buyer() -> Party:
    return make_party()


@pytest.fixture
def old(tmp_path: Path) -> Listing:
    return make_listing(folder=make_folder(tmp_path / "old"))


@pytest.fixture
def new(tmp_path: Path) -> Listing:
    return make_listing(folder=make_folder(tmp_path / "new"), unit_price=9_000)


def slug(listing: Listing) -> str:
    return f"{listing.model.organization.slug}/{listing.model.name}"


def meant_by(text: str, party: Party | None) -> str:
    reference = parse_reference(text)
    assert reference is not None
    return resolution.resolve(reference, organization_id=party.organization.pk if party else None).model


def test_an_alias_resolves_for_its_organisation_only(buyer: Party, old: Listing):
    alias = create_alias(actor=buyer.actor, name="Hero", target=slug(old))
    name = f"{buyer.organization.slug}/hero"
    assert (alias.name, alias.target) == ("hero", slug(old))
    for spelling in (name, name.upper(), f"{name}@latest", f"{name}:{old.version_id}", f"{name}@v1"):
        assert meant_by(spelling, buyer) == slug(old)
    for stranger in (make_party(), None):
        with pytest.raises(NotFound, match="is on sale"):
            meant_by(name, stranger)
    assert offer_for(*name.split("/"), buyer.organization.pk).slug == slug(old)


def test_moving_an_alias_changes_the_next_call_and_is_audited(buyer: Party, old: Listing, new: Listing):
    create_alias(actor=buyer.actor, name="hero", target=slug(old))
    name = f"{buyer.organization.slug}/hero"
    assert meant_by(name, buyer) == slug(old)
    move_alias(actor=buyer.actor, name="HERO", target=slug(new), expected=slug(old))
    assert meant_by(name, buyer) == slug(new)
    events = AuditEvent.objects.filter(organization=buyer.organization, action__startswith="alias.").order_by("pk")
    assert [(event.action, event.data["target"], event.actor) for event in events] == [
        ("alias.created", slug(old), buyer.user),
        ("alias.moved", slug(new), buyer.user),
    ]


def test_a_move_from_what_it_was_before_is_refused(buyer: Party, old: Listing, new: Listing):
    create_alias(actor=buyer.actor, name="hero", target=slug(old))
    move_alias(actor=buyer.actor, name="hero", target=slug(new), expected=slug(old))
    with pytest.raises(AliasMoved, match=f"points to {slug(new)} by now"):
        move_alias(actor=buyer.actor, name="hero", target=slug(new), expected=slug(old))
    assert Alias.objects.get(organization=buyer.organization).target == slug(new)


def test_a_pinned_alias_stays_at_its_version(buyer: Party, old: Listing, tmp_path: Path):
    alias = create_alias(actor=buyer.actor, name="hero", target=f"{slug(old)}@v1")
    assert alias.target == f"{slug(old)}@v1"
    newer = make_folder(tmp_path / "newer", {"unet/diffusion_pytorch_model.safetensors": weights(data=b"\2" * 16)})
    publish(actor=platform_for(old.model.organization), folder=newer, name=old.model.name, unit_price=4_000)
    reference = parse_reference(f"{buyer.organization.slug}/hero")
    assert reference is not None
    assert resolution.resolve(reference, organization_id=buyer.organization.pk).version == old.version_id


def test_an_unlisted_target_is_refused_with_the_remedy(buyer: Party, old: Listing):
    create_alias(actor=buyer.actor, name="hero", target=slug(old))
    unlist(listing=old, actor=platform_for(old.model.organization))
    with pytest.raises(NotFound, match=f"points to {slug(old)}. No model .* is on sale"):
        meant_by(f"{buyer.organization.slug}/hero", buyer)
    assert [view.offer for view in alias_views(aliases_of(buyer.organization.pk))] == [None]


@pytest.mark.parametrize("target", ["", "hero", "nobody/nothing", "a/b/c", "x" * 1000])
def test_a_target_that_is_no_model_on_sale(buyer: Party, target: str):
    with pytest.raises(Invalid) as refused:
        create_alias(actor=buyer.actor, name="hero", target=target)
    assert refused.value.errors[0].field == "target"
    assert not Name.objects.filter(organization=buyer.organization).exists()


def test_an_alias_does_not_point_to_an_alias(buyer: Party, old: Listing):
    create_alias(actor=buyer.actor, name="hero", target=slug(old))
    with pytest.raises(Invalid):
        create_alias(actor=buyer.actor, name="best", target=f"{buyer.organization.slug}/hero")


def test_models_and_aliases_share_one_namespace(old: Listing, new: Listing, tmp_path: Path):
    provider = old.model.organization
    with pytest.raises(Conflict, match=f'a model called "{old.model.name}" already'):
        create_alias(actor=platform_for(provider), name=old.model.name.upper(), target=slug(new))
    create_alias(actor=platform_for(provider), name="mine", target=slug(new))
    with pytest.raises(Conflict, match='an alias called "mine" already'):
        publish(actor=platform_for(provider), folder=make_folder(tmp_path / "mine"), name="Mine", unit_price=1)


def test_a_deleted_alias_frees_its_name(buyer: Party, old: Listing):
    create_alias(actor=buyer.actor, name="hero", target=slug(old))
    name = f"{buyer.organization.slug}/hero"
    assert meant_by(name, buyer) == slug(old)
    delete_alias(actor=buyer.actor, name="hero")
    with pytest.raises(NotFound):
        meant_by(name, buyer)
    create_alias(actor=buyer.actor, name="hero", target=slug(old))
    with pytest.raises(NotFound, match='no alias "other"'):
        delete_alias(actor=buyer.actor, name="other")


def test_concurrent_creations_of_an_alias_make_one(buyer: Party, old: Listing):
    outcomes: list[str] = []
    barrier = threading.Barrier(4)

    def make() -> None:
        barrier.wait()
        try:
            create_alias(actor=buyer.actor, name="hero", target=slug(old))
            outcomes.append("made")
        except Conflict:
            outcomes.append("taken")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["made", "taken", "taken", "taken"]
    assert Alias.objects.filter(organization=buyer.organization).count() == 1
