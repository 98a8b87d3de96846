"""Organisations and models for one test, each with unique names."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from billing.payments.services.top_ups import top_up
from billing.pricing.domain import Unit
from inference.services.admit import CallTarget
from marketplace.accounts.domain import Actor
from marketplace.accounts.models import Organization, User
from marketplace.accounts.selectors import actor_of, membership_for, operator_of, platform_for
from marketplace.accounts.services.organizations import create_organization
from marketplace.catalog.domain import Reference
from marketplace.catalog.models import Listing
from marketplace.catalog.services.pricing import price_model
from marketplace.catalog.services.publish import publish
from marketplace.catalog.services.resolution import look_up
from tests.support.checks import pass_and_list

HERO = Path(__file__).resolve().parents[2] / "marketplace" / "demo" / "weights" / "hero"


@dataclass(frozen=True)
class Party:
    user: User
    organization: Organization

    @property
    def actor(self) -> Actor:
        return actor_of(membership_for(self.user, self.organization.slug))

    @property
    def owner(self) -> str:
        """The organisation's id in billing."""
        return str(self.organization.pk)


def make_party(*, can_buy: bool = True, can_provide: bool = False) -> Party:
    name = f"t{secrets.token_hex(6)}"
    user = User.objects.create_user(f"{name}@example.com", "correct horse battery")
    organization = create_organization(creator=user, name=name, slug=name, can_buy=can_buy, can_provide=can_provide)
    return Party(user, organization)


def make_operator() -> Actor:
    user = User.objects.create(email=f"{secrets.token_hex(6)}@example.com", is_operator=True)
    return operator_of(user)


def make_buyer(*, credit: int) -> Party:
    """A buyer with `credit` micro-units (at least one whole unit of the currency, the sandbox's minimum)."""
    buyer = make_party()
    if credit:
        top_up(organization_id=buyer.owner, amount=credit, key="start")
    return buyer


def make_listing(
    *, provider: Party | None = None, unit_price: int = 4_000, folder: Path = HERO, name: str = ""
) -> Listing:
    """A model on sale, by default with a name that no other has."""
    provider = provider or make_party(can_buy=False, can_provide=True)
    name = name or f"m{secrets.token_hex(6)}"
    version = publish(actor=provider.actor, folder=folder, name=name, unit_price=unit_price)
    return pass_and_list(version)


def make_call_target(listing: Listing) -> CallTarget:
    """The call target of the newest version of a listed model."""
    return look_up(Reference(listing.model.organization.slug, listing.model.name))


def change_price(listing: Listing, amount: int) -> None:
    actor = platform_for(listing.model.organization)
    price_model(model=listing.model, unit=Unit.IMAGE, amount=amount, actor=actor)
