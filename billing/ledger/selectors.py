"""Reading the ledger: balances, statements, usage and its proofs, always for a named party."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import F, QuerySet, Subquery, Sum

from billing.ledger.domain import AccountKind, ProofState
from billing.ledger.models import Account, Entry, Proof, Transaction, UsageHour, UsageRecord
from marketplace.core.rollups import hour_of


@dataclass(frozen=True)
class Balance:
    """Micro-units: booked, reserved by pending holds, and available."""

    posted: int
    held: int
    currency: str

    @property
    def available(self) -> int:
        return self.posted - self.held


@dataclass(frozen=True)
class StatementLine:
    """One transaction from its party's point of view.

    Attributes:
        amount: the change of the party's balance.
        usage: what was delivered for it, if it settles a call.
    """

    transaction: Transaction
    amount: int
    usage: UsageRecord | None


def balance_of(owner: str, kind: AccountKind) -> Balance:
    """The balance of an organisation's account, zero if it has none yet."""
    account = Account.objects.filter(owner=owner, kind=kind, currency=settings.CURRENCY, shard=0).first()
    if account is None:
        return Balance(0, 0, settings.CURRENCY)
    return Balance(account.posted, account.held, account.currency)


def accounts_of(owner: str) -> list[Account]:
    """For operators: an owner's accounts, by currency and kind."""
    return list(Account.objects.filter(owner=owner).order_by("currency", "kind", "shard"))


def statement(owner: str, kind: AccountKind) -> QuerySet[Entry]:
    """The entries of an organisation's account, newest first; `statement_lines` makes a page of them readable."""
    account = Account.objects.filter(owner=owner, kind=kind, currency=settings.CURRENCY, shard=0).values("pk")
    # One account, so that PostgreSQL reads a page along the index of its entries instead of sorting them all.
    return Entry.objects.filter(account_id=Subquery(account)).select_related("transaction").order_by("-id")


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
    """Quantity sold in each unit, and gross, fee and net in micro-units, for each sku that earned since that hour.

    They are up to a minute old (`billing.ledger.services.usage`).
    """
    rows = (
        UsageHour.objects.filter(payee=payee, hour__gte=hour_of(since), currency=settings.CURRENCY)
        .values("sku", "unit")
        .annotate(quantity=Sum("quantity"), gross=Sum("gross"), fees=Sum("fees"))
        .annotate(net=F("gross") - F("fees"))
        .order_by("-gross")
    )
    return [dict(row) for row in rows]


def trial_balance() -> list[dict[str, Any]]:
    """Balances by kind of account, for a proof of the ledger; each currency's sum is zero."""
    rows = Account.objects.values("kind", "currency")
    totals = rows.annotate(posted=Sum("posted"), held=Sum("held")).order_by("currency", "kind")
    return [dict(row) | {"posted": int(row["posted"]), "held": int(row["held"])} for row in totals]


def newest_proofs(*, limit: int) -> list[Proof]:
    """The newest proofs of the ledger, the one that runs or was requested included."""
    return list(Proof.objects.order_by("-id")[:limit])


def last_proof() -> Proof | None:
    """The newest proof that has ended with a result; None before the first."""
    return Proof.objects.filter(state__in=[ProofState.SOUND, ProofState.UNSOUND]).order_by("-id").first()
