"""Outcome contracts: a provider's offer, a buyer's signature over the same document, and their end."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from billing.outcomes.domain import canonical_document, document_hash
from billing.outcomes.models import OutcomeContract, OutcomeOffer
from billing.outcomes.selectors import contract_for, offer_for
from billing.pricing.domain import Unit
from billing.pricing.services.prices import set_price
from marketplace.accounts import policy
from marketplace.accounts.domain import Actor, is_title
from marketplace.accounts.policy import Action
from marketplace.accounts.services import audit
from marketplace.core.ids import new_id, short
from marketplace.core.money import MAX_AMOUNT, decimal_text
from marketplace.core.problems import Conflict, FieldError, Invalid

if TYPE_CHECKING:
    from marketplace.accounts.models import Organization

TYPE = "reviewer_accept"
MAX_REVIEW_HOURS = 30 * 24
MAX_UNREVIEWED = 100_000
MAX_NOTE_LENGTH = 1_000


@dataclass(frozen=True)
class Proposal:
    """What a provider offers.

    Attributes:
        subject: sku of what calls run; `label` is what people call it.
        buyer: to whom; None: to every buyer.
        amount: micro-units for one unit that the reviewer accepts.
        review_hours: from delivery to the end of the review window.
        most_unreviewed: calls that may run or wait for a verdict at once; None: any number.
    """

    subject: str
    label: str
    unit: Unit
    buyer: "Organization | None"
    amount: int
    review_hours: int
    most_unreviewed: int | None = None
    note: str = ""


@transaction.atomic
def offer(*, actor: Actor, proposal: Proposal, supersedes: uuid.UUID | None = None) -> OutcomeOffer:
    """Sign an offer for the provider, as a new version of an older one if one is named, which then cannot be signed.

    Raises:
        Forbidden: as `policy.require` says.
        Invalid: a term is out of bounds.
        NotFound: the organisation made no such older offer.
        Conflict: the older offer is about something else, or was ended or superseded before.
    """
    policy.require(actor, Action.OFFER_CONTRACT)
    _check(proposal)
    provider = actor.party
    older = _superseded(provider, proposal, supersedes) if supersedes is not None else None
    id_, now = new_id(), timezone.now()
    price = set_price(sku=f"outcome:{id_}", unit=proposal.unit, amount=proposal.amount, payee=provider)
    version = older.version + 1 if older else 1
    document = canonical_document(
        _terms(actor, proposal, price.fee_bps, price.currency)
        | {
            "offer": short(id_),
            "version": version,
            "supersedes": older.hash if older else None,
            "offered_at": now.isoformat(),
        }
    )
    if older is not None:
        _end(older, actor, now)
    made = OutcomeOffer.objects.create(
        id=id_,
        provider=provider,
        buyer=str(proposal.buyer.pk) if proposal.buyer else "",
        subject=proposal.subject,
        label=proposal.label,
        version=version,
        supersedes=older,
        price_id=price.id,
        review_hours=proposal.review_hours,
        most_unreviewed=proposal.most_unreviewed,
        note=proposal.note,
        document=document,
        hash=document_hash(document),
        signed_by_id=actor.person,
        signed_at=now,
    )
    _audit("contract.offered", made, actor, about=proposal.buyer)
    return made


@transaction.atomic
def sign(*, actor: Actor, offer_id: uuid.UUID, document_hash: str) -> OutcomeContract:
    """Sign an offer for a buyer: from now on they may call under it. A contract over its older version ends thereby.

    Args:
        document_hash: of the document that the member read, so that a member signs exactly that document.

    Raises:
        Forbidden: as `policy.require` says.
        NotFound: there is no such offer, or not for this organisation.
        Conflict: the offer has ended, was signed before, or is not the document that was read.
    """
    policy.require(actor, Action.SIGN_CONTRACT)
    buyer = actor.party
    offer_for(buyer, offer_id)
    found = OutcomeOffer.objects.select_for_update().get(pk=offer_id)
    if found.provider == buyer:
        raise Conflict("An organisation makes no contract with itself")
    if document_hash != found.hash:
        raise Conflict("This is not the document that was offered. Read the offer again, then sign it.")
    if found.ended_at is not None:
        raise Conflict("This offer was withdrawn or superseded. Look for a newer version among the offers.")
    now = timezone.now()
    for older in OutcomeContract.objects.filter(offer=found.supersedes_id, buyer=buyer, ended_at=None):
        _end(older, actor, now)
    try:
        with transaction.atomic():
            contract = OutcomeContract.objects.create(
                offer=found, buyer=buyer, signed_by_id=actor.person, signed_at=now
            )
    except IntegrityError:
        raise Conflict("This offer was signed already; the contract is in force.") from None
    audit.record(actor, action="contract.signed", subject=str(contract.pk), offer=str(found.pk), hash=found.hash)
    return contract


@transaction.atomic
def withdraw(*, actor: Actor, offer_id: uuid.UUID) -> None:
    """Let nobody sign this offer any more; contracts that were signed stay. The same again changes nothing.

    Raises:
        Forbidden: as `policy.require` says.
        NotFound: the organisation made no such offer.
    """
    policy.require(actor, Action.WITHDRAW_OFFER)
    offer_for(actor.party, offer_id, as_provider=True)
    found = OutcomeOffer.objects.select_for_update().get(pk=offer_id)
    if found.ended_at is None:
        _end(found, actor, timezone.now())
        _audit("contract.withdrawn", found, actor)


@transaction.atomic
def end(*, actor: Actor, contract_id: uuid.UUID) -> None:
    """End a contract for new calls, from either side; what runs or is under review finishes under it.

    Raises:
        Forbidden: as `policy.require` says.
        NotFound: the organisation is no party of such a contract.
    """
    policy.require(actor, Action.END_CONTRACT)
    contract_for(actor.party, contract_id)
    found = OutcomeContract.objects.select_for_update().get(pk=contract_id)
    if found.ended_at is None:
        _end(found, actor, timezone.now())
        audit.record(actor, action="contract.ended", subject=str(found.pk))


def _check(proposal: Proposal) -> None:
    errors = []
    if not 0 < proposal.amount <= MAX_AMOUNT:
        errors.append(FieldError("price", "must be above zero and at most one billion"))
    if not 1 <= proposal.review_hours <= MAX_REVIEW_HOURS:
        errors.append(FieldError("review_hours", f"must be from 1 to {MAX_REVIEW_HOURS} hours"))
    if proposal.most_unreviewed is not None and not 1 <= proposal.most_unreviewed <= MAX_UNREVIEWED:
        errors.append(FieldError("most_unreviewed", f"must be from 1 to {MAX_UNREVIEWED:,}, or empty for no limit"))
    if proposal.note and not is_title(proposal.note.replace("\n", " ").replace("\r", " "), longest=MAX_NOTE_LENGTH):
        errors.append(
            FieldError("note", f"may have at most {MAX_NOTE_LENGTH:,} characters, without control characters")
        )
    if errors:
        raise Invalid("The offer was not made", errors=errors)


def _superseded(provider: str, proposal: Proposal, offer_id: uuid.UUID) -> OutcomeOffer:
    offer_for(provider, offer_id, as_provider=True)
    older = OutcomeOffer.objects.select_for_update().get(pk=offer_id)
    buyer = str(proposal.buyer.pk) if proposal.buyer else ""
    if (older.subject, older.buyer) != (proposal.subject, buyer):
        raise Conflict("A new version is for the same model and the same buyer; make a separate offer instead")
    if older.ended_at is not None:
        raise Conflict("That offer was withdrawn or superseded already; make a new one")
    return older


def _terms(actor: Actor, proposal: Proposal, fee_bps: int, currency: str) -> dict[str, Any]:
    buyer = proposal.buyer
    return {
        "type": TYPE,
        "provider": {"id": actor.party, "name": actor.organization_slug},
        "buyer": {"id": str(buyer.pk), "name": buyer.slug} if buyer else "any",
        "subject": proposal.subject,
        "model": proposal.label,
        "unit": proposal.unit.value,
        "price_per_accepted_unit": decimal_text(proposal.amount),
        "currency": currency,
        "platform_fee_bps": fee_bps,
        "billed": "each delivered unit that a reviewer of the buyer accepts within the review window, once",
        "not_billed": ["rejected units", "units undecided when the window ends", "calls that fail or are canceled"],
        "review_hours": proposal.review_hours,
        "on_silence": "release",
        "most_unreviewed_calls": proposal.most_unreviewed,
        "note": proposal.note,
    }


def _end(agreement: OutcomeOffer | OutcomeContract, actor: Actor, now: datetime) -> None:
    agreement.ended_at, agreement.ended_by_id, agreement.ended_for = now, actor.user_id, actor.party
    agreement.save(update_fields=["ended_at", "ended_by", "ended_for"])


def _audit(action: str, made: OutcomeOffer, actor: Actor, *, about: "Organization | None" = None) -> None:
    audit.record(
        actor,
        action=action,
        subject=str(made.pk),
        hash=made.hash,
        version=made.version,
        buyer=about.slug if about else None,
    )
