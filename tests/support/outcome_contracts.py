"""Outcome contracts for tests: signed by members, with calls through billing's functions."""

import json
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from django.conf import settings

from billing.outcomes.domain import ContractTerms, OutcomeState
from billing.outcomes.models import Outcome, OutcomeContract, OutcomeOffer
from billing.outcomes.selectors import contract_terms
from billing.outcomes.services import contracts
from billing.outcomes.services.contracts import Proposal
from billing.pricing.domain import Unit
from marketplace.accounts.models import Membership
from marketplace.accounts.selectors import actor_of
from marketplace.accounts.services.organizations import create_organization
from marketplace.core.ids import new_id
from tests.support.inference_market import shared_user
from tests.support.ledger import give, rows
from tests.support.services import home


def make_member(**sides: bool) -> Membership:
    """The owner of a new organisation."""
    name = f"t{secrets.token_hex(6)}"
    organization = create_organization(creator=shared_user().user, name=name, slug=name, **sides)
    return Membership.objects.select_related("organization", "user").get(organization=organization)


def propose(buyer: Membership | None = None, **terms: Any) -> Proposal:
    given = {"subject": f"model:{new_id()}", "label": "acme/icons", "unit": Unit.IMAGE, "amount": 6_000}
    return Proposal(**given | {"buyer": buyer.organization if buyer else None, "review_hours": 24} | terms)


def sign(buyer: Membership, offer: OutcomeOffer) -> OutcomeContract:
    return contracts.sign(actor=actor_of(buyer), offer_id=offer.pk, document_hash=offer.hash)


@dataclass(frozen=True)
class SignedContract:
    """A contract in force between a new provider and a new buyer."""

    provider: Membership
    buyer: Membership
    contract: OutcomeContract
    terms: ContractTerms

    @property
    def payer(self) -> str:
        return str(self.buyer.organization_id)

    @property
    def payee(self) -> str:
        return str(self.provider.organization_id)

    def authorize(self, quantity: int = 1, *, id_: uuid.UUID | None = None, run_hours: int = 24) -> uuid.UUID | str:
        """The outcome's id, or the reason why there is none."""
        id_, price = id_ or new_id(), self.terms.price
        ((answer,),) = rows(
            "SELECT billing_authorize(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            *(id_, self.contract.pk, self.payer, self.terms.subject, price.id, quantity, quantity * price.amount),
            *(f"test:{id_}", "acme/icons", run_hours),
        )
        return id_ if answer == "held" else answer


def make_contract(*, credit: int = 1_000_000, **terms: Any) -> SignedContract:
    provider, buyer = make_member(can_buy=False, can_provide=True), make_member()
    contract = sign(buyer, contracts.offer(actor=actor_of(provider), proposal=propose(buyer, **terms)))
    if credit:
        give(str(buyer.organization_id), credit, key=f"start:{buyer.organization_id}")
    return SignedContract(provider, buyer, contract, contract_terms(contract.pk, str(buyer.organization_id)))


def observe(delivered: Mapping[uuid.UUID, int]) -> set[uuid.UUID]:
    """Record deliveries; returns the outcomes that now wait for their reviewer."""
    items = [{"id": str(id_), "quantities": {"image": count}} for id_, count in delivered.items()]
    return {id_ for (id_,) in rows("SELECT outcome FROM billing_observe(%s)", json.dumps(items))}


def delivered(agreed: SignedContract, quantity: int = 1) -> uuid.UUID:
    id_ = agreed.authorize(quantity)
    assert isinstance(id_, uuid.UUID), id_
    assert observe({id_: quantity}) == {id_}
    return id_


def state_of(id_: uuid.UUID) -> OutcomeState:
    return OutcomeState(Outcome.objects.get(pk=id_).state)


def backdate(ids: Sequence[uuid.UUID], *, holds: bool = False) -> None:
    """End the review windows of these outcomes, or expire their holds, bypassing the triggers that forbid it."""
    url = home.postgres_url(user="postgres", database=str(settings.DATABASES["default"]["NAME"]))
    with psycopg.connect(url) as superuser:
        superuser.execute("SET session_replication_role = replica")
        past = "now() - interval '1 second'"
        table, column = ("billing_hold", "expires_at") if holds else ("billing_outcome", "review_until")
        superuser.execute(f"UPDATE {table} SET {column} = {past} WHERE id = ANY (%s)", [list(ids)])
