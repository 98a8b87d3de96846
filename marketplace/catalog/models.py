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
