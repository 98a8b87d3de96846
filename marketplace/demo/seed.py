"""Seeds the demo market: organisations, keys, credit and models, through the ordinary services."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction

from billing.gateways import current_gateway
from billing.ledger.services.posting import grant
from billing.payments.services.top_ups import top_up
from marketplace.accounts.selectors import actor_of, membership_for, organization_by_slug, platform_for
from marketplace.accounts.services.api_keys import create_key
from marketplace.accounts.services.organizations import create_organization
from marketplace.accounts.services.people import ensure_person
from marketplace.catalog.services.publish import publish
from marketplace.core import first_models
from marketplace.demo import credentials
from marketplace.demo.folders import folder_of
from marketplace.demo.market import (
    ALIAS,
    BUYER,
    CREDIT,
    MODELS,
    OPERATOR_EMAIL,
    OTHER_BUYER,
    OTHER_PROVIDER,
    PROVIDER,
    THIRD_PROVIDER,
    TOOLS,
    Party,
)

if TYPE_CHECKING:
    from marketplace.accounts.models import Organization, User


def seed() -> credentials.Document:
    """Create the demo market, or the missing parts of it, and return its credentials.

    A second run changes only the base URL; it completes a run that was interrupted.
    """
    document = credentials.read()
    if document is None:
        first_models.expect(len(MODELS))
        document = _create_market()
    document["base_url"] = settings.BASE_URL
    credentials.write(document)
    return document


def _create_market() -> credentials.Document:
    buyer, other_buyer = _party(BUYER, "api_key"), _party(OTHER_BUYER, "api_key")
    provider, other_provider = _party(PROVIDER, "hub_token"), _party(OTHER_PROVIDER, "hub_token")
    third_provider = _party(THIRD_PROVIDER, "hub_token")
    _, operator = _person(OPERATOR_EMAIL, is_operator=True)
    for party in (BUYER, OTHER_BUYER):
        _grant_credit(str(_organization(party).pk))
    for model in (*MODELS, *TOOLS):
        with folder_of(model) as folder:
            publish(
                actor=platform_for(_organization(model.provider)),
                folder=folder,
                name=model.name,
                unit_price=model.unit_price,
            )
    return {
        "base_url": settings.BASE_URL,
        "buyer": buyer,
        "provider": provider,
        "operator": operator,
        "models": [model.full_name for model in MODELS],
        "tools": [model.full_name for model in TOOLS],
        "alias": f"{BUYER.slug}/{ALIAS}",
        "others": {"buyer": other_buyer, "provider": other_provider, "third_provider": third_provider},
    }


def _grant_credit(owner: str) -> None:
    """Credit an organisation: test money in the sandbox, a grant of the platform if a payment provider is connected."""
    if current_gateway().is_instant:
        top_up(organization_id=owner, amount=CREDIT, key="demo-credit")
    else:
        grant(organization_id=owner, amount=CREDIT, key=f"demo-credit:{owner}", reason="Credit of the demonstration")


@transaction.atomic
def _party(party: Party, key_field: str) -> dict[str, str]:
    user, person = _person(party.email)
    if organization_by_slug(party.slug) is None:
        create_organization(
            creator=user, name=party.name, slug=party.slug, can_buy=party.can_buy, can_provide=party.can_provide
        )
    key = create_key(actor=actor_of(membership_for(user, party.slug)), name="demo")
    return person | {key_field: key.secret, "organization": party.slug}


def _person(email: str, *, is_operator: bool = False) -> tuple["User", dict[str, str]]:
    """Create an account, or reset its password; the password is stored in `demo.json` only."""
    password = credentials.new_password()
    user = ensure_person(email=email, password=password, is_operator=is_operator)
    return user, {"email": email, "password": password}


def _organization(party: Party) -> "Organization":
    found = organization_by_slug(party.slug)
    assert found is not None  # its party was made before
    return found
