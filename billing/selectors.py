"""Reading money: prices in effect, balances and statements, always for a named party."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, F, Max, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Now

from billing.domain import (
    AccountKind,
    ContractTerms,
    EventState,
    HoldState,
    OutcomeState,
    PayoutState,
    PriceTerms,
    TopUpState,
    Unit,
)
from billing.models import (
    Account,
    Entry,
    GatewayEvent,
    Hold,
    Outcome,
    OutcomeContract,
    OutcomeOffer,
    Payee,
    Payout,
    Price,
    TopUp,
    Transaction,
    UnmeteredUsage,
    UsageRecord,
)
from marketplace.core.problems import NotFound


@dataclass(frozen=True)
class Balance:
    """Micro-units: what was booked, what of it pending holds set aside, and what is left to spend."""

    posted: int
    held: int
    currency: str

    @property
    def available(self) -> int:
        return self.posted - self.held


@dataclass(frozen=True)
class StatementLine:
    """One transaction as its party sees it.

    Attributes:
        amount: what it did to the party's balance.
        usage: what was delivered for it, if it settles a call.
    """

    transaction: Transaction
    amount: int
    usage: UsageRecord | None


def terms_of(price: Price) -> PriceTerms:
    return PriceTerms(
        id=price.pk,
        sku=price.sku,
        version=price.version,
        unit=Unit(price.unit),
        amount=price.amount,
        currency=price.currency,
        payee=price.payee,
        fee_bps=price.fee_bps,
    )


def current_terms(sku: str) -> PriceTerms | None:
    """The price in effect now, or None where none was ever set."""
    price = Price.objects.filter(sku=sku, effective_from__lte=Now()).order_by("-version").first()
    return terms_of(price) if price else None


def current_terms_of(skus: Sequence[str]) -> Mapping[str, PriceTerms]:
    """The prices in effect now of those skus that have one."""
    prices = Price.objects.filter(sku__in=skus, effective_from__lte=Now())
    return {price.sku: terms_of(price) for price in prices.order_by("sku", "-version").distinct("sku")}


def price_history(sku: str) -> list[Price]:
    """All versions of a price, newest first."""
    return list(Price.objects.filter(sku=sku).order_by("-version"))


def terms_by_id(price_id: int) -> PriceTerms:
    return terms_of(Price.objects.get(pk=price_id))


def balance_of(owner: str, kind: AccountKind) -> Balance:
    """The balance of an organisation's account, zero if it has none yet."""
    account = Account.objects.filter(owner=owner, kind=kind, currency=settings.CURRENCY, shard=0).first()
    if account is None:
        return Balance(0, 0, settings.CURRENCY)
    return Balance(account.posted, account.held, account.currency)


def statement(owner: str, kind: AccountKind) -> QuerySet[Entry]:
    """The entries of an organisation's account, newest first; `statement_lines` makes a page of them readable."""
    return (
        Entry.objects.filter(account__owner=owner, account__kind=kind, account__currency=settings.CURRENCY)
        .select_related("transaction")
        .order_by("-id")
    )


def statement_lines(entries: Sequence[Entry]) -> list[StatementLine]:
    usage = {
        record.transaction_id: record
        for record in UsageRecord.objects.filter(transaction__in=[entry.transaction_id for entry in entries])
    }
    return [StatementLine(entry.transaction, entry.amount, usage.get(entry.transaction_id)) for entry in entries]


def transaction_for(owner: str, transaction_id: int) -> Transaction | None:
    """A transaction that touched one of the owner's accounts, else None."""
    return (
        Transaction.objects.filter(pk=transaction_id, entries__account__owner=owner)
        .distinct()
        .prefetch_related("entries__account")
        .first()
    )


def usage_of(transaction_id: int) -> UsageRecord | None:
    return UsageRecord.objects.filter(transaction=transaction_id).select_related("price").first()


def usage_by_hold(hold_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, UsageRecord]:
    """Usage records of settled holds, by the hold's id."""
    return {record.hold_id: record for record in UsageRecord.objects.filter(hold_id__in=hold_ids)}


def earnings_by_sku(payee: str, *, since: datetime) -> list[dict[str, Any]]:
    """Units sold, gross, fee and net in micro-units for each sku that earned since then."""
    rows = (
        UsageRecord.objects.filter(payee=payee, created_at__gte=since)
        .values("sku")
        .annotate(units=Sum("quantity"), gross=Sum("amount"), fees=Sum("fee"), last=Max("created_at"))
        .annotate(net=F("gross") - F("fees"))
        .order_by("-gross")
    )
    return [dict(row) for row in rows]


def trial_balance() -> list[dict[str, Any]]:
    """Balances by kind of account, for the operator; each currency's sum is zero."""
    rows = Account.objects.values("kind", "currency")
    totals = rows.annotate(posted=Sum("posted"), held=Sum("held")).order_by("currency", "kind")
    return [dict(row) for row in totals]


def is_balanced() -> bool:
    """Whether all balances sum to zero and each equals the sum of its entries and of its pending holds."""
    wrong = (
        Account.objects.annotate(
            booked=Sum("entries__amount", default=0),
        )
        .exclude(booked=F("posted"))
        .exists()
    )
    held = {
        row["account"]: row["total"]
        for row in Hold.objects.filter(state=HoldState.PENDING).values("account").annotate(total=Sum("amount"))
    }
    holds_wrong = any(
        held.get(account.pk, 0) != account.held for account in Account.objects.filter(Q(held__gt=0) | Q(pk__in=held))
    )
    sums = Account.objects.values("currency").annotate(total=Sum("posted"))
    return not wrong and not holds_wrong and all(row["total"] == 0 for row in sums)


@dataclass(frozen=True)
class Tally:
    """What came of the calls under one contract so far.

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
    """A buyer's contracts, those in force first, then the newest."""
    return _contracts().filter(buyer=buyer).order_by(F("ended_at").desc(nulls_first=True), "-id")


def contracts_for_provider(provider: str) -> QuerySet[OutcomeContract]:
    """Contracts over a provider's offers, those in force first, then the newest."""
    return _contracts().filter(offer__provider=provider).order_by(F("ended_at").desc(nulls_first=True), "-id")


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
    """A provider's offers, those that can be signed first, then the newest."""
    offers = OutcomeOffer.objects.select_related("price").filter(provider=provider)
    return offers.order_by(F("ended_at").desc(nulls_first=True), "-id")


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
    """What came of the calls under each of these contracts."""
    undecided = Q(state__in=[OutcomeState.AUTHORIZED, OutcomeState.OBSERVING])
    over = Q(state__in=[OutcomeState.SETTLED, OutcomeState.EXPIRED])
    rows = (
        Outcome.objects.filter(contract__in=contract_ids)
        .annotate(fee=Subquery(UsageRecord.objects.filter(hold=OuterRef("pk")).values("fee")))
        .values("contract")
        .annotate(
            calls=Count("id"),
            open_calls=Count("id", filter=undecided),
            units_accepted=Sum("accepted"),
            units_rejected=Sum("rejected"),
            units_lapsed=Sum(F("delivered") - F("accepted") - F("rejected"), filter=over, default=0),
            total=Sum("amount", default=0),
            total_fees=Sum("fee", default=0),
            units_held=Sum(F("quantity") * F("contract__offer__price__amount"), filter=undecided, default=0),
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
            held=row["units_held"],
        )
        for row in rows
    }
    return {contract_id: found.get(contract_id, Tally()) for contract_id in contract_ids}


def top_ups_of(owner: str) -> QuerySet[TopUp]:
    """A buyer's top-ups, newest first."""
    return TopUp.objects.filter(owner=owner).order_by("-id")


def top_up_for(owner: str, top_up_id: uuid.UUID | None) -> TopUp | None:
    """A buyer's own top-up, else None."""
    return TopUp.objects.filter(owner=owner, pk=top_up_id).first() if top_up_id else None


def payee_of(owner: str, gateway: str) -> Payee | None:
    """How a provider stands with a gateway, if it knows them."""
    return Payee.objects.filter(owner=owner, gateway=gateway).first()


def payouts_of(owner: str) -> QuerySet[Payout]:
    """A provider's payouts, newest first."""
    return Payout.objects.filter(owner=owner).order_by("-id")


def gateway_events(*, only_open: bool = False) -> QuerySet[GatewayEvent]:
    """What gateways said, newest first, for the operator; `only_open`: what is not done yet."""
    found = GatewayEvent.objects.order_by("-received_at", "-id")
    return found.exclude(state__in=[EventState.PROCESSED, EventState.IGNORED]) if only_open else found


def payments_to_look_at() -> dict[str, Any]:
    """For the operator: top-ups to decide on, payouts that are under way or failed, usage that was never told."""
    return {
        "top_ups": TopUp.objects.filter(state=TopUpState.REVIEW).order_by("-id")[:50],
        "payouts": Payout.objects.exclude(state=PayoutState.PAID).select_related("payee").order_by("-id")[:50],
        "unmetered": UnmeteredUsage.objects.order_by("-id")[:50],
    }
