"""A minimal market for each test: a buyer, a model with a price, and nodes whose part the test takes."""

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
def shared_user() -> Party:
    """The user who creates all organisations of these tests, because hashing a password is slow."""
    return make_party()


@cache
def published_target() -> CallTarget:
    """A published model; the others are copies of its rows."""
    return make_call_target(make_listing(unit_price=PRICE))


def make_buyer(*, credit: int = CREDIT) -> Party:
    name = f"t{secrets.token_hex(6)}"
    organization = create_organization(creator=shared_user().user, name=name, slug=name)
    buyer = Party(shared_user().user, organization)
    if credit:
        top_up(organization_id=buyer.owner, amount=credit, key="start")
    return buyer


@dataclass(frozen=True)
class ListedModel:
    """A model with one version and a price.

    Attributes:
        provider: its provider's id in billing.
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


def make_priced_model(*, price: int = PRICE) -> ListedModel:
    like = ModelVersion.objects.select_related("model").get(pk=published_target().version)
    name = f"t{secrets.token_hex(6)}"
    provider = create_organization(creator=shared_user().user, name=name, slug=name, can_buy=False, can_provide=True)
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
    target = CallTarget(model.pk, f"{name}/m", version.pk, published_target().task, published_target().check, terms)
    return ListedModel(target, str(provider.pk))


def call(buyer: Party, sale: ListedModel, **inputs: Any):  # type: ignore[no-untyped-def]  # a UUID
    id_ = admit(caller=buyer.actor, target=sale.target, inputs={"prompt": "x"} | inputs, origin=Origin.API)
    while time.time_ns() // 1_000_000 <= id_.int >> 80:
        pass  # ids of one millisecond are not ordered, and tests rely on the order
    return id_


def make_node() -> str:
    node = Node.objects.create(
        id=f"node-{new_id()}", boot=new_id(), device_kind="cpu", device_name="test", memory_bytes=0
    )
    return node.pk


def claim_all(sale: ListedModel, node: str, *, limit: int = 8) -> list[Claimed]:
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


def balance_of_buyer(buyer: Party) -> Balance:
    return balance_of(buyer.owner, AccountKind.BUYER_PREPAID)


def expire_lease(*ids: Any) -> None:
    Prediction.objects.filter(pk__in=ids).update(lease_until=timezone.now() - timedelta(seconds=1))
