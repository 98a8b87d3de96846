from django.db import models
from django.db.models.functions import Now

from billing.pricing.domain import Unit
from marketplace.core.choices import choices_of


class Price(models.Model):
    """One version of what one unit of a sku costs. A new price is a new row; the newest in effect counts.

    Attributes:
        sku: opaque name of what is sold.
        amount: micro-units for one unit.
        payee: who earns it, an organisation's id.
        fee_bps: the platform's fee in basis points.
    """

    sku = models.TextField()
    version = models.PositiveIntegerField()
    unit = models.TextField(choices=choices_of(Unit))
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
