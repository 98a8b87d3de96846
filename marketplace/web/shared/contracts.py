"""Contexts of the pages about outcome contracts, for both sides of the market."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from django.urls import reverse

from billing.ledger.selectors import usage_by_hold
from billing.outcomes.domain import OutcomeState, Verdict
from billing.outcomes.selectors import (
    BY_FORCE,
    Tally,
    calls_under_review,
    outcomes_of,
    signed_offers,
    superseded_offers,
    tallies,
)
from billing.pricing.domain import BASIS_POINTS, rate
from billing.pricing.selectors import terms_of
from inference.selectors import reviews_of
from marketplace.accounts.selectors import organization_names
from marketplace.core.ids import short
from marketplace.web.shared.access import MemberRequest
from marketplace.web.shared.paging import page_of

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from billing.outcomes.models import Outcome, OutcomeContract, OutcomeOffer
    from inference.models import Review
    from marketplace.core.paging import Key

PAGE, LISTED = 50, 30  # calls of a contract; contracts and offers
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


def contract_rows(contracts: Collection[OutcomeContract]) -> list[dict[str, Any]]:
    """Rows of contracts for the lists of both sides."""
    found = tallies([contract.pk for contract in contracts])
    names = organization_names(party for one in contracts for party in (one.offer.provider, one.buyer))
    return [
        {
            "contract": contract,
            "id": short(contract.pk),
            "offer": contract.offer,
            "price": contract.offer.price,
            "state": "active" if contract.ended_at is None else "ended",
            "provider": names.get(contract.offer.provider, ""),
            "buyer": names.get(contract.buyer, ""),
            "tally": found[contract.pk],
        }
        for contract in contracts
    ]


def contract_list(request: MemberRequest, contracts: QuerySet[OutcomeContract]) -> dict[str, Any]:
    """A page of contracts in the order `BY_FORCE`, with its rows."""
    page = page_of(request, contracts, key=BY_FORCE, size=LISTED, name="contracts")
    return {"contract_page": page, "contracts": contract_rows(page.rows)}


def offer_list(request: MemberRequest, offers: QuerySet[OutcomeOffer], *, key: Key) -> dict[str, Any]:
    """A page of offers, with its rows."""
    page = page_of(request, offers, key=key, size=LISTED, name="offers")
    return {"offer_page": page, "offers": offer_rows(page.rows)}


def offer_rows(offers: Collection[OutcomeOffer]) -> list[dict[str, Any]]:
    """Rows of offers for the lists of both sides."""
    names = organization_names(party for one in offers for party in (one.provider, one.buyer))
    ids = [offer.pk for offer in offers]
    signed, superseded = signed_offers(ids), superseded_offers(ids)
    return [
        {
            "offer": offer,
            "id": short(offer.pk),
            "price": offer.price,
            "provider": names.get(offer.provider, ""),
            "buyer": names.get(offer.buyer, "any buyer"),
            "is_superseded": offer.pk in superseded,
            "state": _offer_state(offer, is_signed=offer.pk in signed, is_superseded=offer.pk in superseded),
        }
        for offer in offers
    ]


def _offer_state(offer: OutcomeOffer, *, is_signed: bool, is_superseded: bool) -> str:
    if offer.ended_at is not None:
        return "superseded" if is_superseded else "withdrawn"
    return "signed" if is_signed and offer.buyer else "offered"


def offer_context(request: MemberRequest, offer: OutcomeOffer) -> dict[str, Any]:
    """An offer with the document to sign."""
    return offer_rows([offer])[0] | {
        "document": json.dumps(json.loads(offer.document), indent=2, ensure_ascii=False),
        "signed_document": offer.document,
        "fee_share": offer.price.fee_bps / BASIS_POINTS,
        "is_mine": offer.provider == str(request.membership.organization_id),
    }


def contract_context(request: MemberRequest, contract: OutcomeContract, *, side: str) -> dict[str, Any]:
    """A contract with its calls; `side` is "console" or "provider"."""
    page = page_of(request, outcomes_of(contract.pk), key=("-id",), size=PAGE)
    outcomes = page.rows
    reviews, usage = reviews_of([one.pk for one in outcomes]), usage_by_hold([one.pk for one in outcomes])
    terms = terms_of(contract.offer.price)
    rows = [
        {
            "id": short(one.pk),
            "outcome": one,
            "state": one.state,
            "held": rate(terms, quantity=one.quantity),
            "fee": usage[one.pk].fee if one.pk in usage else 0,
            "why": why(one),
            "reasons": _reasons(reviews[one.pk]),
        }
        for one in outcomes
    ]
    row = contract_rows([contract])[0]
    tally: Tally = row["tally"]
    base = offer_context(request, contract.offer) | row
    return base | {
        "side": side,
        "layout": f"{side}/base.html",
        "calls": rows,
        "page": page,
        "waiting": calls_under_review(contract.pk),
        "acceptance_rate": tally.acceptance_rate,
        "ended_by_us": contract.ended_for == str(request.membership.organization_id),
        "run_url": f"{model_path(contract.offer.label)}?contract={row['id']}",
    }


def why(outcome: Outcome) -> str:
    """The reason for the state of a call under a contract, in one line."""
    delivered = outcome.delivered or 0
    undecided = delivered - outcome.accepted - outcome.rejected
    match OutcomeState(outcome.state):
        case OutcomeState.AUTHORIZED:
            return "running or waiting for a node; the price is held"
        case OutcomeState.OBSERVING:
            until = f"{outcome.review_until:%d %b %Y, %H:%M} UTC".replace(" ", NO_BREAK_SPACE)
            return f"charge pending review of {undecided} of {delivered} until {until}"
        case OutcomeState.SETTLED:
            parts = [f"{outcome.accepted} accepted"]
            parts += [f"{outcome.rejected} rejected"] if outcome.rejected else []
            parts += [f"{undecided} not decided in time"] if undecided else []
            return ", ".join(parts)
        case OutcomeState.NOT_MET:
            return "all rejected" if delivered > 1 else "rejected"
        case OutcomeState.EXPIRED:
            return f"{undecided} not decided in time" + (f", {outcome.rejected} rejected" if outcome.rejected else "")
        case OutcomeState.VOIDED:
            return "failed or canceled; nothing was delivered"


def model_path(label: str) -> str:
    """The address of the page of the model `owner/name`."""
    owner, _, name = label.partition("/")
    return reverse("web:model", args=[owner, name])


def _reasons(reviews: dict[int, Review]) -> list[str]:
    rejected = (one for one in reviews.values() if one.verdict == Verdict.REJECTED and one.reason)
    return [one.reason for one in rejected]
