from django.db import models
from django.db.models.functions import Now


class Listing(models.Model):
    """A model on sale: which version callers get who name none.

    Attributes:
        listed: whether buyers find and may call it.
    """

    model = models.OneToOneField(
        "providers.GenerativeModel", on_delete=models.PROTECT, primary_key=True, related_name="+"
    )
    version = models.ForeignKey("providers.ModelVersion", on_delete=models.PROTECT, related_name="+")
    listed = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(auto_now=True)


class PendingListing(models.Model):
    """The wish to price and list a version as soon as it has passed its checks; gone once that is decided.

    Attributes:
        unit_price: micro-units for one unit of the model's task.
    """

    version = models.OneToOneField(
        "providers.ModelVersion", on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    unit_price = models.BigIntegerField()
    actor = models.ForeignKey("accounts.User", on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
