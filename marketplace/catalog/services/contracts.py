"""Outcome contracts that a provider offers for its models."""

import uuid
from typing import TYPE_CHECKING

from billing.outcomes.services import contracts
from billing.outcomes.services.contracts import Proposal
from billing.pricing.domain import Unit
from marketplace.accounts import policy
from marketplace.accounts.domain import Actor
from marketplace.accounts.policy import Action
from marketplace.accounts.selectors import organization_by_slug
from marketplace.catalog.domain import sku_of
from marketplace.catalog.selectors import listings_for_provider
from marketplace.core.problems import FieldError, Invalid

if TYPE_CHECKING:
    from billing.outcomes.models import OutcomeOffer
    from marketplace.accounts.models import Organization


def make_offer(
    *,
    actor: Actor,
    model: str,
    buyer: str,
    amount: int,
    review_hours: int,
    most_unreviewed: int | None = None,
    note: str = "",
    supersedes: uuid.UUID | None = None,
) -> "OutcomeOffer":
    """Offer a price per accepted image of a listed model of the actor's organisation.

    Args:
        model: the model's name, without the owner.
        buyer: slug of the buying organisation; empty: every buyer.
        amount: micro-units for one accepted image.
        supersedes: the older offer that this one replaces.

    Raises:
        Invalid: no such model is on sale, no such organisation buys, or a term is out of bounds.
        Problem: see `billing.outcomes.services.contracts.offer`.
    """
    policy.check(actor, Action.OFFER_CONTRACT)  # before the fields are checked; `offer` checks again
    errors: list[FieldError] = []
    listing = listings_for_provider(actor.organization_id).filter(listed=True, model__name__iexact=model).first()
    if listing is None:
        errors.append(FieldError("model", "must be one of your models that are on sale"))
    buyer_organization = _buyer(buyer, actor, errors)
    if errors or listing is None:
        raise Invalid("The offer was not made", errors=errors)
    proposal = Proposal(
        subject=sku_of(listing.model_id),
        label=f"{actor.organization_slug}/{listing.model.name}",
        unit=Unit.IMAGE,  # a reviewer decides on images, even if the model is sold by another unit
        buyer=buyer_organization,
        amount=amount,
        review_hours=review_hours,
        most_unreviewed=most_unreviewed,
        note=note.strip(),
    )
    return contracts.offer(actor=actor, proposal=proposal, supersedes=supersedes)


def _buyer(slug: str, provider: Actor, errors: list[FieldError]) -> "Organization | None":
    if not slug.strip():
        return None
    found = organization_by_slug(slug.strip())
    if found is None or not found.can_buy or found.pk == provider.organization_id:
        errors.append(FieldError("buyer", f'"{slug.strip()[:63]}" is no other organisation that buys'))
    return found
