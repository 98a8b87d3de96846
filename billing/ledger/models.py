from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models.functions import Now

from billing.ledger.domain import AccountKind, HoldState, ProofState, TransactionKind
from billing.pricing.models import Price
from marketplace.core.choices import choices_of


class Account(models.Model):
    """A ledger account. Balances are credit-positive micro-units, computed by a database trigger.

    Attributes:
        owner: the id of an organisation, or `platform`.
        shard: spreads an account with many postings over several rows.
        posted: the sum of the account's entries.
        held: the sum of its pending holds.
        min_available: `posted - held` never falls below it; null: no limit.
    """

    owner = models.TextField()
    kind = models.TextField(choices=choices_of(AccountKind))
    currency = models.CharField(max_length=3)
    shard = models.PositiveSmallIntegerField(default=0)
    posted = models.BigIntegerField(default=0)
    held = models.BigIntegerField(default=0)
    min_available = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "kind", "currency", "shard"], name="account_once"),
            models.CheckConstraint(condition=models.Q(held__gte=0), name="account_held_not_negative"),
            models.CheckConstraint(
                condition=models.Q(min_available=None)
                | models.Q(posted__gte=models.F("held") + models.F("min_available")),
                name="account_within_limit",
            ),
            models.CheckConstraint(
                condition=~models.Q(kind=AccountKind.PAYOUT_IN_TRANSIT) | models.Q(posted__gte=0),
                name="account_in_transit_not_negative",
            ),
        ]


class Transaction(models.Model):
    """One movement of money: its entries sum to zero in each currency. Never changed, never deleted.

    Attributes:
        key: makes the posting idempotent, for example `settle:<hold>`.
        request_hash: hash of the request, so that the key cannot be used for another one.
        source: opaque id of the cause, for example of a prediction.
    """

    key = models.TextField(unique=True)
    request_hash = models.CharField(max_length=64)
    kind = models.TextField(choices=choices_of(TransactionKind))
    source = models.TextField(db_index=True)
    description = models.TextField()
    created_at = models.DateTimeField(db_default=Now())


class Entry(models.Model):
    """The change of one account by one transaction: positive adds to the balance, negative subtracts."""

    transaction = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="entries")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="entries", db_index=False)
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(models.F("account"), models.F("id").desc(), name="entry_by_account")]
        constraints = [models.CheckConstraint(condition=~models.Q(amount=0), name="entry_not_zero")]


class Hold(models.Model):
    """Money reserved before the work; it is posted (in whole or part), voided or expires, exactly once.

    Attributes:
        id: chosen by the caller, so that the same hold is never made twice.
        price: the version under which it will be settled.
        amount: the most that may be posted, in micro-units.
    """

    id = models.UUIDField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, db_index=False)
    price = models.ForeignKey(Price, on_delete=models.PROTECT, db_index=False)
    amount = models.BigIntegerField()
    state = models.TextField(choices=choices_of(HoldState), default=HoldState.PENDING)
    transaction = models.OneToOneField(Transaction, on_delete=models.PROTECT, null=True)
    posted_amount = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index("expires_at", condition=models.Q(state="pending"), name="hold_pending_expiry"),
        ]
        constraints = [models.CheckConstraint(condition=models.Q(amount__gte=0), name="hold_not_negative")]


class UsageRecord(models.Model):
    """What was delivered and billed by one settlement.

    Attributes:
        quantity: units delivered.
        amount: what the buyer paid in micro-units; `fee` of it went to the platform.
    """

    hold = models.OneToOneField(Hold, on_delete=models.PROTECT)
    transaction = models.ForeignKey(Transaction, on_delete=models.PROTECT, null=True)
    price = models.ForeignKey(Price, on_delete=models.PROTECT)
    payer = models.TextField()
    payee = models.TextField()
    sku = models.TextField()
    unit = models.TextField()
    quantity = models.BigIntegerField()
    amount = models.BigIntegerField()
    fee = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index("payer", models.F("created_at").desc(), name="usage_by_payer"),
            models.Index("payee", models.F("created_at").desc(), name="usage_by_payee"),
            # For the sums of an hour: rows stand in the order of their time and never change.
            BrinIndex(fields=["created_at"], autosummarize=True, pages_per_range=16, name="usage_by_time"),
        ]


class Proof(models.Model):
    """One check of the ledger. Entries up to `through` were proven by it or by an earlier one.

    Attributes:
        is_full: whether it began with the first entry instead of after those that were proven before.
        after: it looked at the entries after this id.
        marked: the last entry id that had been given out when it began; `marked_xid` is a transaction id that was
            given out afterwards. Once no transaction before `marked_xid` runs, no entry up to `marked` can appear.
        checked: how many checks are done, of `billing.ledger.services.proofs.CHECKS`.
        findings: what is wrong, in words, at most `MAX_FINDINGS`; empty: nothing.
        totals: the trial balance, `[{"currency", "kind", "posted", "held"}]` in micro-units.
        seconds: how long it took.
    """

    state = models.TextField(choices=choices_of(ProofState), default=ProofState.REQUESTED)
    is_full = models.BooleanField(default=False)
    after = models.BigIntegerField(default=0)
    through = models.BigIntegerField(default=0)
    marked = models.BigIntegerField(default=0)
    marked_xid = models.BigIntegerField(default=0)
    entries = models.BigIntegerField(default=0)
    checked = models.PositiveSmallIntegerField(default=0)
    findings = models.JSONField(default=list)
    totals = models.JSONField(default=list)
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    seconds = models.FloatField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=models.Q(state=ProofState.REQUESTED), name="proof_requested_once"
            )
        ]


class ProvenBalance(models.Model):
    """The sum of an account's entries up to the last sound proof, in micro-units."""

    account = models.OneToOneField(Account, on_delete=models.PROTECT, primary_key=True)
    posted = models.BigIntegerField()


class UsageHour(models.Model):
    """The usage records of one hour (UTC), summed. `billing_roll_up` writes it from them, again and again.

    Attributes:
        calls: how many records.
        quantity: in parts of the unit.
        gross: what buyers paid in micro-units; `fees` of it went to the platform.
    """

    pk = models.CompositePrimaryKey("hour", "payee", "sku", "unit", "currency")
    hour = models.DateTimeField()
    payee = models.TextField()
    sku = models.TextField()
    unit = models.TextField()
    currency = models.CharField(max_length=3)
    calls = models.BigIntegerField()
    quantity = models.BigIntegerField()
    gross = models.BigIntegerField()
    fees = models.BigIntegerField()

    class Meta:
        indexes = [models.Index("payee", "hour", name="usagehour_by_payee")]
