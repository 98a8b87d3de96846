"""An organisation whose lists grow: rows of everything that a page or an API route lists, put in by bulk."""

import secrets
from datetime import timedelta
from typing import Any

import psycopg
from django.conf import settings
from django.db.models import Model
from django.utils import timezone

from billing.ledger.domain import PLATFORM, AccountKind, TransactionKind
from billing.ledger.models import Proof
from billing.ledger.services.posting import Leg, post
from billing.outcomes.models import Outcome, OutcomeContract, OutcomeOffer
from billing.payments.models import GatewayEvent, Payee, Payout, TopUp, UnmeteredUsage
from billing.pricing.models import Price
from inference.models import InputFile, Node, Prediction, Residency
from marketplace.accounts.models import ApiKey, AuditEvent, Membership, Organization, User
from marketplace.accounts.services.api_keys import create_key
from marketplace.benchmarks.models import Benchmark, Cell, Contestant, Prompt, PromptSet, Reveal
from marketplace.catalog.domain import sku_of
from marketplace.catalog.models import Alias, Listing
from marketplace.core.ids import new_id, short
from marketplace.core.models import InboxMessage
from providers.models import GenerativeModel, ModelVersion
from tests.support.parties import Party, make_listing, make_operator, make_party
from tests.support.services import home


def add(kind: type[Model], rows: list[dict[str, Any]]) -> list[Any]:
    return kind._default_manager.bulk_create([kind(**row) for row in rows])


class Crowd:
    """A buyer and provider in one organisation, with one of everything; `grow` adds more of everything."""

    def __init__(self) -> None:
        self.party: Party = make_party(can_provide=True)
        self.operator = User.objects.get(pk=make_operator().user_id)
        self.listing: Listing = make_listing(provider=self.party)
        self.key = create_key(actor=self.party.actor, name="crowd")
        self.size = 0
        self.price = Price.objects.get(sku=sku_of(self.listing.model_id))
        self.payee = Payee.objects.create(
            owner=self.party.owner, gateway="sandbox", external_id=secrets.token_hex(8), state="active"
        )
        self.frozen = self._prompt_set(frozen_at=timezone.now())
        self.open = self._prompt_set()
        self.benchmark = self._benchmark(self.frozen)
        Reveal.objects.create(benchmark=self.benchmark, user=self.party.user, votes=0)
        self.offer = self._offer()
        self.contract = OutcomeContract.objects.create(
            offer=self.offer, buyer=self.party.owner, signed_by=self.party.user
        )
        self.prediction = self._predictions(1)[0]
        self.top_up = self._top_ups(1)[0]
        self.file = self._files(1)[0]
        self.transaction = self._grant()

    @property
    def names(self) -> dict[str, str]:
        """What the addresses of pages and routes are filled in with."""
        organization, model = self.party.organization, self.listing.model
        ids = {
            "prediction": self.prediction.pk, "benchmark": self.benchmark.pk, "contract": self.contract.pk,
            "offer": self.offer.pk, "top_up": self.top_up.pk, "frozen": self.frozen.pk, "open": self.open.pk,
            "file": self.file.pk, "organization_id": organization.pk, "person": self.party.user.pk,
            "model_id": model.pk,
        }  # fmt: skip
        return {name: short(id_) for name, id_ in ids.items()} | {
            "org": organization.slug, "model": model.name, "version": self.listing.version_id,
            "transaction": str(self.transaction),
        }  # fmt: skip

    def grow(self, count: int) -> None:
        """Add so many rows to every list."""
        party, model, version = self.party, self.listing.model, self.listing.version
        numbers = range(self.size + 1, self.size + count + 1)
        self.size += count
        users = add(User, [{"email": f"{secrets.token_hex(6)}@example.com"} for _ in numbers])
        add(Membership, [{"organization": party.organization, "user": user, "role": "auditor"} for user in users])
        organizations = add(Organization, [{"slug": f"t{secrets.token_hex(6)}", "name": "Others"} for _ in numbers])
        add(Membership, [{"organization": one, "user": users[0], "role": "auditor"} for one in organizations])
        add(ApiKey, [
            {"organization": party.organization, "name": "k", "prefix": "k", "hash": secrets.token_hex(32),
             "created_by": party.user} for _ in numbers])  # fmt: skip
        aliases = add(
            Alias,
            [{"organization": party.organization, "name": f"alias-{number:04}", "model": model} for number in numbers],
        )
        add(AuditEvent, [
            {"organization": party.organization, "actor": party.user, "action": "alias.moved", "subject": str(one.pk),
             "data": {"target": "a/b"}} for one in aliases for _ in range(8)])  # fmt: skip
        for prompt_set in (self.frozen, self.open):
            add(Prompt, [{"prompt_set": prompt_set, "position": number, "text": f"prompt {number:04}", "seed": number}
                         for number in numbers])  # fmt: skip
        prompts = Prompt.objects.filter(prompt_set=self.frozen, position__in=numbers)
        add(Cell, [{"benchmark": self.benchmark, "contestant": contestant, "prompt": prompt, "state": "canceled"}
                   for prompt in prompts for contestant in self.benchmark.contestants.all()])  # fmt: skip
        for _ in numbers:
            self._benchmark(self._prompt_set(frozen_at=timezone.now()))
        for _ in numbers:
            self._grant()
        self._top_ups(count)
        add(Payout, [
            {"owner": party.owner, "key": secrets.token_hex(8), "payee": self.payee, "amount": 10_000,
             "currency": "USD", "state": "failed"} for _ in numbers])  # fmt: skip
        self._predictions(count)
        self._files(count)
        self._outcomes(count)
        for _ in numbers:
            contract = OutcomeContract(offer=self._offer(), buyer=party.owner, signed_by=party.user)
            contract.save()
        models = add(GenerativeModel, [
            {"organization": party.organization, "name": f"model-{number:04}", "task": model.task} for number in numbers
        ])  # fmt: skip
        versions = self._versions([(one, 1) for one in models])
        add(Listing, [{"model": one, "version": first} for one, first in zip(models, versions, strict=True)])
        self._prices([(sku_of(one.pk), 1) for one in models])
        self._versions([(model, number + 1) for number in numbers])
        self._prices([(self.price.sku, number + 1) for number in numbers])
        add(InboxMessage, [{"recipients": "a@example.com", "subject": "s", "body": "b"} for _ in numbers])
        add(GatewayEvent, [
            {"id": f"evt_{secrets.token_hex(8)}", "gateway": "stripe", "type": "x", "body": "{}", "state": "failed"}
            for _ in numbers])  # fmt: skip
        add(UnmeteredUsage, [{"usage": new_id(), "customer": "c", "amount": 1, "reason": "r"} for _ in numbers])
        nodes = add(Node, [
            {"id": f"n-{new_id()}", "boot": new_id(), "device_kind": "cpu", "device_name": "t", "memory_bytes": 1,
             "heartbeat_at": timezone.now() - timedelta(days=1)} for _ in numbers])  # fmt: skip
        add(Residency, [{"node": node, "version": version} for node in nodes])
        add(Proof, [{"state": "sound", "seconds": 1.0, "started_at": timezone.now()} for _ in numbers])

    def shrink(self) -> None:
        """Remove the nodes and proofs, which other tests would take for their own."""
        Node.objects.filter(id__startswith="n-", heartbeat_at__lt=timezone.now() - timedelta(hours=1)).delete()
        Proof.objects.filter(marked=0, through=0, seconds=1.0).delete()

    def _prompt_set(self, **fields: Any) -> PromptSet:
        made = PromptSet.objects.create(
            organization=self.party.organization, name="Icons", created_by=self.party.user, **fields
        )
        Prompt.objects.create(prompt_set=made, position=0, text="x", seed=1)
        return made

    def _benchmark(self, prompt_set: PromptSet) -> Benchmark:
        made = Benchmark.objects.create(
            organization=self.party.organization, name="Icons", prompt_set=prompt_set, state="completed"
        )
        contestant = Contestant.objects.create(
            benchmark=made, position=0, model_name="a/b", version=self.listing.version, price=self.price
        )
        Cell.objects.create(benchmark=made, contestant=contestant, prompt=prompt_set.prompts.all()[0], state="failed")
        return made

    def _offer(self) -> OutcomeOffer:
        (price,) = self._prices([(f"outcome:{new_id()}", 1)])
        return OutcomeOffer.objects.create(
            provider=self.party.owner, buyer="", subject=self.price.sku, label="a/b", version=1, price=price,
            review_hours=24, note="", document='{"buyer": {"name": "x"}}', hash=secrets.token_hex(32),
            signed_by=self.party.user,
        )  # fmt: skip

    def _prices(self, wanted: list[tuple[str, int]]) -> list[Price]:
        return add(Price, [
            {"sku": sku, "version": version, "unit": "image", "amount": 4_000, "currency": "USD",
             "payee": self.party.owner, "fee_bps": 1_000} for sku, version in wanted])  # fmt: skip

    def _versions(self, wanted: list[tuple[GenerativeModel, int]]) -> list[ModelVersion]:
        like = self.listing.version
        return add(ModelVersion, [
            {"id": secrets.token_hex(20), "model": model, "number": number, "state": like.state,
             "pipeline_class": like.pipeline_class, "input_schema": like.input_schema, "size": 1}
            for model, number in wanted])  # fmt: skip

    def _predictions(self, count: int) -> list[Prediction]:
        return add(Prediction, [
            {"organization": self.party.organization, "model": self.listing.model, "version": self.listing.version,
             "origin": "api", "status": "canceled", "input": {"prompt": "x"}, "batch_key": "", "price": self.price,
             "quantity": 1, "amount_held": 0, "amount_charged": 0} for _ in range(count)])  # fmt: skip

    def _top_ups(self, count: int) -> list[TopUp]:
        return add(TopUp, [
            {"owner": self.party.owner, "key": secrets.token_hex(8), "amount": 1_000_000, "currency": "USD",
             "gateway": "sandbox", "state": "review", "reason": "r"} for _ in range(count)])  # fmt: skip

    def _files(self, count: int) -> list[InputFile]:
        return add(InputFile, [
            {"organization": self.party.organization, "name": "a.png", "sha256": "0" * 64, "media_type": "image/png",
             "size": 1, "width": 1, "height": 1, "expires_at": timezone.now() + timedelta(days=1)}
            for _ in range(count)])  # fmt: skip

    def _outcomes(self, count: int) -> None:
        """Calls under the contract that were voided, past the functions that only serve real calls."""
        url = home.postgres_url(user="postgres", database=str(settings.DATABASES["default"]["NAME"]))
        with psycopg.connect(url) as superuser:
            for _ in range(count):
                superuser.execute(
                    f"INSERT INTO {Outcome._meta.db_table} (id, contract_id, source, label, state, quantity, accepted,"  # noqa: S608
                    " rejected) VALUES (%s, %s, 's', 'l', 'voided', 1, 0, 0)",
                    [new_id(), self.contract.pk],
                )

    def _grant(self) -> int:
        legs = [
            Leg(PLATFORM, AccountKind.PROMOTION, -2_000_000),
            Leg(self.party.owner, AccountKind.BUYER_PREPAID, 1_000_000),
            Leg(self.party.owner, AccountKind.PROVIDER_PAYABLE, 1_000_000),
        ]
        return post(key=secrets.token_hex(8), kind=TransactionKind.GRANT, source="test", description="d", legs=legs)
