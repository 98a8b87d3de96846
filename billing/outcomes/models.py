from django.db import models
from django.db.models.functions import Now

from billing.outcomes.domain import OutcomeState, Verdict
from billing.pricing.models import Price
from marketplace.core.choices import choices_of
from marketplace.core.ids import new_id


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
    state = models.TextField(choices=choices_of(OutcomeState))
    quantity = models.PositiveBigIntegerField()
    delivered = models.PositiveBigIntegerField(null=True)
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


class UnitVerdict(models.Model):
    """A verdict on one unit of a delivery. Never changed, never deleted.

    Attributes:
        unit: its place in the delivery, from 0.
        reporter: opaque id of the person or key that decided.
    """

    outcome = models.ForeignKey(Outcome, on_delete=models.PROTECT, related_name="verdicts", db_index=False)
    unit = models.PositiveSmallIntegerField()
    verdict = models.TextField(choices=choices_of(Verdict))
    reporter = models.TextField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "billing_signal"
        constraints = [
            models.UniqueConstraint(fields=["outcome", "unit"], name="signal_once"),
            models.CheckConstraint(
                condition=models.Q(verdict__in=[verdict.value for verdict in Verdict]), name="signal_is_a_verdict"
            ),
        ]
