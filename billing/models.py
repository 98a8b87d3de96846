from enum import StrEnum

from django.db import models
from django.db.models.functions import Now

from billing.domain import (
    AccountKind,
    EventState,
    HoldState,
    OutcomeState,
    PayeeState,
    PayoutState,
    TopUpState,
    TransactionKind,
    Unit,
    Verdict,
)
from marketplace.core.ids import new_id


def _choices(kind: type[StrEnum]) -> list[tuple[str, str]]:
    return [(member.value, member.value) for member in kind]


class Account(models.Model):
    """A ledger account. Balances are credit-positive micro-units and kept by the database itself.

    Attributes:
        owner: the id of an organisation, or `platform`.
        shard: spreads an account that everybody posts to over several rows.
        posted: the sum of the account's entries.
        held: the sum of its pending holds.
        min_available: `posted - held` never falls below it; null: no limit.
    """

    owner = models.TextField()
    kind = models.TextField(choices=_choices(AccountKind))
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
        request_hash: what was asked for under the key, so that the key cannot be used for something else.
        source: opaque id of the cause, for example of a prediction.
    """

    key = models.TextField(unique=True)
    request_hash = models.CharField(max_length=64)
    kind = models.TextField(choices=_choices(TransactionKind))
    source = models.TextField(db_index=True)
    description = models.TextField()
    created_at = models.DateTimeField(db_default=Now())


class Entry(models.Model):
    """What one transaction did to one account: positive adds to the balance, negative takes from it."""

    transaction = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="entries")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="entries", db_index=False)
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(models.F("account"), models.F("id").desc(), name="entry_by_account")]
        constraints = [models.CheckConstraint(condition=~models.Q(amount=0), name="entry_not_zero")]


class Price(models.Model):
    """One version of what one unit of a sku costs. A new price is a new row; the newest in effect counts.

    Attributes:
        sku: opaque name of what is sold.
        amount: micro-units for one unit.
        payee: who earns it, an organisation's id.
        fee_bps: the platform's part of it in basis points.
    """

    sku = models.TextField()
    version = models.PositiveIntegerField()
    unit = models.TextField(choices=_choices(Unit))
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    payee = models.TextField()
    fee_bps = models.PositiveIntegerField()
    effective_from = models.DateTimeField(db_default=Now())
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sku", "version"], name="price_version_once"),
            models.CheckConstraint(condition=models.Q(amount__gte=0), name="price_not_negative"),
            models.CheckConstraint(condition=models.Q(fee_bps__lte=10_000), name="price_fee_at_most_all"),
        ]


class Hold(models.Model):
    """Money set aside before the work; it is posted (in whole or part), voided or expires, exactly once.

    Attributes:
        id: chosen by the caller, so that the same hold is never made twice.
        price: the version under which it will be settled.
        amount: the most that may be posted, in micro-units.
    """

    id = models.UUIDField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, db_index=False)
    price = models.ForeignKey(Price, on_delete=models.PROTECT, db_index=False)
    amount = models.BigIntegerField()
    state = models.TextField(choices=_choices(HoldState), default=HoldState.PENDING)
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
        ]


class OutcomeOffer(models.Model):
    """A provider's offer to be paid for accepted units only, signed by them. It never changes; it can end.

    Attributes:
        buyer: to whom it is made; empty: to every buyer.
        subject: sku of what the calls run.
        label: what people call the subject.
        version: 1, then one more than that of the offer that it supersedes.
        review_hours: how long the buyer may decide after a delivery; silence releases the money.
        most_unreviewed: calls that may run or wait for a verdict at the same time; null: any number.
        document: the canonical JSON that both sides sign, and its SHA-256.
        ended_at: since when it cannot be signed any more; calls under contracts that were signed go on.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    provider = models.TextField()
    buyer = models.TextField()
    subject = models.TextField()
    label = models.TextField()
    version = models.PositiveIntegerField()
    supersedes = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="superseded_by")
    price = models.OneToOneField(Price, on_delete=models.PROTECT)
    review_hours = models.PositiveIntegerField()
    most_unreviewed = models.PositiveIntegerField(null=True)
    note = models.TextField()
    document = models.TextField()
    hash = models.CharField(max_length=64, unique=True)
    signed_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    signed_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, null=True, related_name="+")
    ended_for = models.TextField(db_default="")

    class Meta:
        indexes = [models.Index("provider", models.F("id").desc(), name="offer_by_provider")]


class OutcomeContract(models.Model):
    """An offer that a buyer signed. It never changes; either side can end it for new calls.

    Attributes:
        ended_for: the side that ended it.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    offer = models.ForeignKey(OutcomeOffer, on_delete=models.PROTECT, related_name="contracts")
    buyer = models.TextField()
    signed_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    signed_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, null=True, related_name="+")
    ended_for = models.TextField(db_default="")

    class Meta:
        indexes = [models.Index("buyer", models.F("id").desc(), name="contract_by_buyer")]
        constraints = [
            models.UniqueConstraint(
                fields=["offer", "buyer"], condition=models.Q(ended_at=None), name="contract_once_at_a_time"
            )
        ]


class Outcome(models.Model):
    """A call under an outcome contract, with the id of its hold. SQL functions take it through its states.

    Attributes:
        source: opaque id of the call, for its transaction.
        label: what was called, for the transaction's description.
        quantity: units that were asked for, and whose price is held.
        delivered: units that the reviewer decides on; null until they are there.
        review_until: when the review window ends.
        amount: micro-units that were charged; null while that is open.
    """

    id = models.UUIDField(primary_key=True)
    contract = models.ForeignKey(OutcomeContract, on_delete=models.PROTECT, related_name="outcomes", db_index=False)
    source = models.TextField()
    label = models.TextField()
    state = models.TextField(choices=_choices(OutcomeState))
    quantity = models.PositiveIntegerField()
    delivered = models.PositiveIntegerField(null=True)
    accepted = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    amount = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    observed_at = models.DateTimeField(null=True)
    review_until = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index("contract", models.F("id").desc(), name="outcome_by_contract"),
            models.Index(
                "contract", condition=models.Q(state__in=["authorized", "observing"]), name="outcome_undecided"
            ),
            models.Index("review_until", condition=models.Q(state="observing"), name="outcome_observed"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(delivered=None) | models.Q(delivered__lte=models.F("quantity")),
                name="outcome_delivers_at_most_what_is_held",
            ),
            models.CheckConstraint(
                condition=models.Q(accepted=0, rejected=0)
                | models.Q(delivered__gte=models.F("accepted") + models.F("rejected")),
                name="outcome_decides_at_most_what_was_delivered",
            ),
        ]


class Signal(models.Model):
    """A verdict on one unit of a delivery. Never changed, never deleted.

    Attributes:
        unit: its place in the delivery, from 0.
        reporter: opaque id of whoever decided.
    """

    outcome = models.ForeignKey(Outcome, on_delete=models.PROTECT, related_name="signals", db_index=False)
    unit = models.PositiveSmallIntegerField()
    verdict = models.TextField(choices=_choices(Verdict))
    reporter = models.TextField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["outcome", "unit"], name="signal_once"),
            models.CheckConstraint(
                condition=models.Q(verdict__in=[verdict.value for verdict in Verdict]), name="signal_is_a_verdict"
            ),
        ]


class GatewayCustomer(models.Model):
    """An organisation as a gateway knows it when it pays.

    Attributes:
        owner: the organisation's id.
        external_id: the gateway's name for it, for example `cus_…`.
    """

    owner = models.TextField()
    gateway = models.TextField()
    external_id = models.TextField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "gateway"], name="gatewaycustomer_once"),
            models.UniqueConstraint(fields=["gateway", "external_id"], name="gatewaycustomer_external_once"),
        ]


class TopUp(models.Model):
    """Money that a buyer means to add to their balance, written before the gateway is asked for it.

    Attributes:
        key: names the form that was sent, so that sending it twice asks for the money once.
        amount: micro-units.
        session: the gateway's name for the payment, once it gave one.
        page: where the buyer pays, while they can.
        transaction: what booked the money.
        reason: why it was not paid, in words for the buyer.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    owner = models.TextField()
    key = models.TextField()
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    gateway = models.TextField()
    state = models.TextField(choices=_choices(TopUpState), default=TopUpState.PENDING)
    session = models.TextField(default="")
    page = models.TextField(default="")
    transaction = models.OneToOneField(Transaction, on_delete=models.PROTECT, null=True)
    reason = models.TextField(default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index("owner", models.F("id").desc(), name="topup_by_owner")]
        constraints = [
            models.UniqueConstraint(fields=["owner", "key"], name="topup_once"),
            models.UniqueConstraint(
                fields=["gateway", "session"], condition=~models.Q(session=""), name="topup_session_once"
            ),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="topup_positive"),
            models.CheckConstraint(
                condition=models.Q(state=TopUpState.PAID, transaction__isnull=False)
                | (~models.Q(state=TopUpState.PAID) & models.Q(transaction=None)),
                name="topup_paid_is_booked",
            ),
        ]


class GatewayEvent(models.Model):
    """News from a gateway, kept as it came. What came never changes (a trigger sees to it); what became of it does.

    Attributes:
        id: the gateway's own, so that the same news is kept once.
        body: exactly what was signed.
        error: why it was not processed, in words for the operator.
    """

    id = models.TextField(primary_key=True)
    gateway = models.TextField()
    type = models.TextField()
    body = models.TextField()
    received_at = models.DateTimeField(db_default=Now())
    state = models.TextField(choices=_choices(EventState), default=EventState.RECEIVED)
    attempts = models.PositiveIntegerField(default=0)
    error = models.TextField(default="")
    processed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(models.F("received_at").desc(), name="gatewayevent_newest")]


class Payee(models.Model):
    """An organisation as a gateway knows it when it is paid.

    Attributes:
        external_id: the gateway's name for it, for example `acct_…`.
        reason: what keeps it from being paid, in words for the provider.
    """

    owner = models.TextField()
    gateway = models.TextField()
    external_id = models.TextField()
    state = models.TextField(choices=_choices(PayeeState), default=PayeeState.ONBOARDING)
    reason = models.TextField(default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "gateway"], name="payee_once"),
            models.UniqueConstraint(fields=["gateway", "external_id"], name="payee_external_once"),
        ]


class Payout(models.Model):
    """Money that a provider asked for.

    Attributes:
        key: names the form that was sent, so that sending it twice pays once.
        amount: micro-units, whole cents.
        returned: what came back of it, in micro-units.
        transfer: the gateway's name for the movement, once it was made.
        reason: why it failed, in words for the provider.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    owner = models.TextField()
    key = models.TextField()
    payee = models.ForeignKey(Payee, on_delete=models.PROTECT, related_name="payouts")
    amount = models.BigIntegerField()
    returned = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    state = models.TextField(choices=_choices(PayoutState), default=PayoutState.REQUESTED)
    transfer = models.TextField(default="")
    reason = models.TextField(default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index("owner", models.F("id").desc(), name="payout_by_owner")]
        constraints = [
            models.UniqueConstraint(fields=["owner", "key"], name="payout_once"),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="payout_positive"),
            models.CheckConstraint(
                condition=models.Q(returned__gte=0, returned__lte=models.F("amount")),
                name="payout_returned_at_most_all",
            ),
        ]


class UnmeteredUsage(models.Model):
    """Usage that a gateway will never hear of, because it was told too late. The ledger has it nonetheless.

    Attributes:
        usage: the id of its hold.
    """

    usage = models.UUIDField(unique=True)
    customer = models.TextField()
    amount = models.BigIntegerField()
    reason = models.TextField()
    created_at = models.DateTimeField(db_default=Now())
