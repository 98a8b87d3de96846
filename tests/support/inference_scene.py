"""A market small enough to be made for each test: a buyer, a model on sale, nodes that the test plays itself."""

import secrets
import time
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from django.utils import timezone

from billing.ledger.domain import AccountKind
from billing.ledger.selectors import Balance, balance_of
from billing.payments.services.top_ups import top_up
from billing.pricing.domain import Unit
from billing.pricing.services.prices import set_price
from inference.domain.lifecycle import Origin, Status
from inference.models import Node, Prediction
from inference.services.admit import CallTarget, admit
from inference.worker.claims import Claimed, Ended, claim
from marketplace.accounts.services.organizations import create_organization
from marketplace.catalog.domain import sku_of
from marketplace.core.ids import new_id
from providers.models import GenerativeModel, ModelVersion
from tests.support.parties import Party, make_call_target, make_listing, make_party

PRICE = 4_000
CREDIT = 1_000_000


@cache
def founder() -> Party:
    """Hashing a password takes long, so that one user founds all organisations of these tests."""
    return make_party()


@cache
def original() -> CallTarget:
    """A model that was really published; others are copies of its rows."""
    return make_call_target(make_listing(unit_price=PRICE))


def make_buyer(*, credit: int = CREDIT) -> Party:
    name = f"t{secrets.token_hex(6)}"
    organization = create_organization(creator=founder().user, name=name, slug=name)
    buyer = Party(founder().user, organization)
    if credit:
        top_up(organization_id=buyer.owner, amount=credit, key="start")
    return buyer


@dataclass(frozen=True)
class OnSale:
    """A model with one version and a price.

    Attributes:
        provider: what billing knows its provider by.
    """

    target: CallTarget
    provider: str

    def set_price(self, amount: int) -> None:
        set_price(sku=self.target.terms.sku, unit=Unit.IMAGE, amount=amount, payee=self.provider)

    def withdraw(self) -> None:
        ModelVersion.objects.filter(pk=self.target.version).update(withdrawn_at=timezone.now())

    @property
    def earned(self) -> int:
        return balance_of(self.provider, AccountKind.PROVIDER_PAYABLE).posted


def put_on_sale(*, price: int = PRICE) -> OnSale:
    like = ModelVersion.objects.select_related("model").get(pk=original().version)
    name = f"t{secrets.token_hex(6)}"
    provider = create_organization(creator=founder().user, name=name, slug=name, can_buy=False, can_provide=True)
    model = GenerativeModel.objects.create(
        organization=provider, name="m", task=like.model.task, description="", card="", license="apache-2.0"
    )
    version = ModelVersion.objects.create(
        id=secrets.token_hex(20),
        model=model,
        number=1,
        state=like.state,
        pipeline_class=like.pipeline_class,
        input_schema=like.input_schema,
        size=like.size,
    )
    terms = set_price(sku=sku_of(model.pk), unit=Unit.IMAGE, amount=price, payee=str(provider.pk))
    target = CallTarget(model.pk, f"{name}/m", version.pk, original().task, original().check, terms)
    return OnSale(target, str(provider.pk))


def call(buyer: Party, sale: OnSale, **inputs: Any):  # type: ignore[no-untyped-def]  # a UUID
    id_ = admit(caller=buyer.caller, target=sale.target, inputs={"prompt": "x"} | inputs, origin=Origin.API)
    while time.time_ns() // 1_000_000 <= id_.int >> 80:
        pass  # ids of one millisecond are in no order, and tests count on one
    return id_


def make_node() -> str:
    node = Node.objects.create(
        id=f"node-{new_id()}", boot=new_id(), device_kind="cpu", device_name="test", memory_bytes=0
    )
    return node.pk


def claim_all(sale: OnSale, node: str, *, limit: int = 8) -> list[Claimed]:
    return claim(node=node, device="test", version=sale.target.version, limit=limit)[0]


def succeeded(claimed: Claimed, *, delivered: int | None = None) -> Ended:
    delivered = claimed.quantity if delivered is None else delivered
    return Ended(
        id=claimed.id,
        attempt=claimed.attempt,
        status=Status.SUCCEEDED,
        quantities={"image": delivered},
        source="test",
        artifacts=[
            {
                "id": str(new_id()),
                "position": position,
                "sha256": "0" * 64,
                "media_type": "image/png",
                "size": 1,
                "width": 1,
                "height": 1,
            }
            for position in range(delivered)
        ],
    )


def row(id_: Any) -> Prediction:
    return Prediction.objects.get(pk=id_)


def status_of(id_: Any) -> Status:
    return Status(row(id_).status)


def purse(buyer: Party) -> Balance:
    return balance_of(buyer.owner, AccountKind.BUYER_PREPAID)


def let_lease_run_out(*ids: Any) -> None:
    Prediction.objects.filter(pk__in=ids).update(lease_until=timezone.now() - timedelta(seconds=1))
