"""Reads offers, contracts and the outcomes of the calls under them."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db.models import BooleanField, Count, ExpressionWrapper, F, OuterRef, Q, QuerySet, Subquery, Sum

from billing.ledger.models import Hold, UsageRecord
from billing.outcomes.domain import ContractTerms, OutcomeState
from billing.outcomes.models import Outcome, OutcomeContract, OutcomeOffer
from billing.pricing.selectors import terms_of
from marketplace.core.problems import NotFound

# The order of the lists of contracts and offers: those in force first, then the newest.
BY_FORCE = ("is_over", "-id")
_IS_OVER = ExpressionWrapper(Q(ended_at__isnull=False), output_field=BooleanField())


@dataclass(frozen=True)
class Tally:
    """The outcomes of the calls under one contract so far.

    Attributes:
        calls: all of them; `undecided` run or wait for verdicts.
        accepted, rejected: units; `lapsed` ones were delivered and never decided in time.
        charged: micro-units that the buyer paid; `fees` of it went to the platform.
        held: micro-units that undecided calls hold.
    """

    calls: int = 0
    undecided: int = 0
    accepted: int = 0
    rejected: int = 0
    lapsed: int = 0
    charged: int = 0
    fees: int = 0
    held: int = 0

    @property
    def earned(self) -> int:
        return self.charged - self.fees

    @property
    def acceptance_rate(self) -> float | None:
        """Accepted units among the decided ones, None before the first verdict."""
        decided = self.accepted + self.rejected
        return self.accepted / decided if decided else None


def contract_terms(contract_id: uuid.UUID, buyer: str) -> ContractTerms:
    """A contract as admission needs it, in force or not. Raises NotFound unless it is this buyer's."""
    found = OutcomeContract.objects.select_related("offer__price").filter(pk=contract_id, buyer=buyer).first()
    if found is None:
        raise NotFound("There is no such contract")
    offer = found.offer
    return ContractTerms(found.pk, offer.hash, found.buyer, offer.subject, offer.label, terms_of(offer.price))


def _contracts() -> QuerySet[OutcomeContract]:
    return OutcomeContract.objects.select_related("offer__price", "offer__signed_by", "signed_by", "ended_by")


def contract_for(party: str, contract_id: uuid.UUID) -> OutcomeContract:
    """A contract of which the organisation is a party. Raises NotFound."""
    found = _contracts().filter(Q(buyer=party) | Q(offer__provider=party), pk=contract_id).first()
    if found is None:
        raise NotFound("There is no such contract")
    return found


def contracts_for_buyer(buyer: str) -> QuerySet[OutcomeContract]:
    """A buyer's contracts, in the order `BY_FORCE`."""
    return _contracts().filter(buyer=buyer).annotate(is_over=_IS_OVER).order_by(*BY_FORCE)


def contracts_for_provider(provider: str) -> QuerySet[OutcomeContract]:
    """Contracts over a provider's offers, in the order `BY_FORCE`."""
    return _contracts().filter(offer__provider=provider).annotate(is_over=_IS_OVER).order_by(*BY_FORCE)


def contracts_in_force(buyer: str, subject: str) -> QuerySet[OutcomeContract]:
    """Under which contracts a buyer may call a subject now."""
    return _contracts().filter(buyer=buyer, offer__subject=subject, ended_at=None).order_by("-id")


def offer_for(party: str, offer_id: uuid.UUID, *, as_provider: bool = False) -> OutcomeOffer:
    """An offer that the organisation made or, unless `as_provider`, may sign. Raises NotFound."""
    may_see = Q(provider=party) if as_provider else Q(provider=party) | Q(buyer=party) | Q(buyer="")
    found = OutcomeOffer.objects.select_related("price", "signed_by", "ended_by").filter(may_see, pk=offer_id).first()
    if found is None:
        raise NotFound("There is no such offer")
    return found


def offers_for_buyer(buyer: str) -> QuerySet[OutcomeOffer]:
    """Offers that a buyer may sign and has no contract over, newest first."""
    offers = OutcomeOffer.objects.select_related("price").filter(Q(buyer=buyer) | Q(buyer=""), ended_at=None)
    signed = OutcomeContract.objects.filter(buyer=buyer, ended_at=None).values("offer")
    return offers.exclude(provider=buyer).exclude(pk__in=signed).order_by("-id")


def offers_by_provider(provider: str) -> QuerySet[OutcomeOffer]:
    """A provider's offers, in the order `BY_FORCE`: those that can be signed first."""
    offers = OutcomeOffer.objects.select_related("price").filter(provider=provider)
    return offers.annotate(is_over=_IS_OVER).order_by(*BY_FORCE)


def signed_offers(offer_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Those of the offers over which a contract is in force."""
    return set(OutcomeContract.objects.filter(offer__in=offer_ids, ended_at=None).values_list("offer", flat=True))


def superseded_offers(offer_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Those of the offers that a newer version has replaced."""
    found = OutcomeOffer.objects.filter(supersedes__in=offer_ids).values_list("supersedes", flat=True)
    return {supersedes for supersedes in found if supersedes is not None}


def outcome_skus(provider: str) -> dict[str, str]:
    """Skus of a provider's outcome prices with what people call them."""
    offers = OutcomeOffer.objects.filter(provider=provider).values_list("price__sku", "label")
    return {sku: f"{label}, accepted" for sku, label in offers}


def outcomes_of(contract_id: uuid.UUID) -> QuerySet[Outcome]:
    """Calls under a contract, newest first."""
    return Outcome.objects.filter(contract=contract_id).order_by("-id")


def calls_under_review(contract_id: uuid.UUID) -> int:
    """How many calls under a contract wait for the reviewer's verdict."""
    return Outcome.objects.filter(contract=contract_id, state=OutcomeState.OBSERVING).count()


def tallies(contract_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Tally]:
    """The outcomes of the calls under each of these contracts."""
    undecided = Q(state__in=[OutcomeState.AUTHORIZED, OutcomeState.OBSERVING])
    over = Q(state__in=[OutcomeState.SETTLED, OutcomeState.EXPIRED])
    rows = (
        Outcome.objects.filter(contract__in=contract_ids)
        .annotate(
            fee=Subquery(UsageRecord.objects.filter(hold=OuterRef("pk")).values("fee")),
            held=Subquery(Hold.objects.filter(pk=OuterRef("pk")).values("amount")),
        )
        .values("contract")
        .annotate(
            calls=Count("id"),
            open_calls=Count("id", filter=undecided),
            units_accepted=Sum("accepted"),
            units_rejected=Sum("rejected"),
            units_lapsed=Sum(F("delivered") - F("accepted") - F("rejected"), filter=over, default=0),
            total=Sum("amount", default=0),
            total_fees=Sum("fee", default=0),
            total_held=Sum("held", filter=undecided, default=0),
        )
    )
    found = {
        row["contract"]: Tally(
            calls=row["calls"],
            undecided=row["open_calls"],
            accepted=row["units_accepted"],
            rejected=row["units_rejected"],
            lapsed=row["units_lapsed"],
            charged=row["total"],
            fees=row["total_fees"],
            held=row["total_held"],
        )
        for row in rows
    }
    return {contract_id: found.get(contract_id, Tally()) for contract_id in contract_ids}
