from django.db import models
from django.db.models.functions import Now

from billing.ledger.models import Transaction
from billing.payments.domain import EventState, PayeeState, PayoutState, TopUpState
from marketplace.core.choices import choices_of
from marketplace.core.ids import new_id


class GatewayCustomer(models.Model):
    """A paying organisation at a gateway.

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
    """Money that a buyer adds to their balance; the row is written before the gateway is called.

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
    state = models.TextField(choices=choices_of(TopUpState), default=TopUpState.PENDING)
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
    """An event of a gateway, stored as received. The body never changes (enforced by a trigger); the state does.

    Attributes:
        id: the gateway's own, so that the same event is stored once.
        body: exactly what was signed.
        error: why it was not processed, in words for the operator.
    """

    id = models.TextField(primary_key=True)
    gateway = models.TextField()
    type = models.TextField()
    body = models.TextField()
    received_at = models.DateTimeField(db_default=Now())
    state = models.TextField(choices=choices_of(EventState), default=EventState.RECEIVED)
    attempts = models.PositiveIntegerField(default=0)
    error = models.TextField(default="")
    processed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(models.F("received_at").desc(), name="gatewayevent_newest")]


class Payee(models.Model):
    """An organisation that a gateway pays.

    Attributes:
        external_id: the gateway's name for it, for example `acct_…`.
        reason: what keeps it from being paid, in words for the provider.
    """

    owner = models.TextField()
    gateway = models.TextField()
    external_id = models.TextField()
    state = models.TextField(choices=choices_of(PayeeState), default=PayeeState.ONBOARDING)
    reason = models.TextField(default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "gateway"], name="payee_once"),
            models.UniqueConstraint(fields=["gateway", "external_id"], name="payee_external_once"),
        ]


class Payout(models.Model):
    """Money that a provider requested.

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
    state = models.TextField(choices=choices_of(PayoutState), default=PayoutState.REQUESTED)
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
    """Usage that was not reported to the gateway in time. The ledger contains it.

    Attributes:
        usage: the id of its hold.
    """

    usage = models.UUIDField(unique=True)
    customer = models.TextField()
    amount = models.BigIntegerField()
    reason = models.TextField()
    created_at = models.DateTimeField(db_default=Now())
