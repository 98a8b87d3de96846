from django.db import models
from django.db.models.functions import Lower, Now

from marketplace.core.ids import new_id


class Listing(models.Model):
    """A model on sale, and the version for calls that name none.

    Attributes:
        listed: whether buyers can find and call it.
    """

    model = models.OneToOneField(
        "providers.GenerativeModel", on_delete=models.PROTECT, primary_key=True, related_name="+"
    )
    version = models.ForeignKey("providers.ModelVersion", on_delete=models.PROTECT, related_name="+")
    listed = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(auto_now=True)


class Alias(models.Model):
    """An organisation's own name for a model, valid for its callers only. Moving it affects later calls.

    Attributes:
        version: the version it is pinned to; null: the model's version on sale.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=63)
    model = models.ForeignKey("providers.GenerativeModel", on_delete=models.PROTECT, related_name="+")
    version = models.ForeignKey("providers.ModelVersion", on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    moved_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint("organization", Lower("name"), name="alias_once")]

    @property
    def target(self) -> str:
        """Its target as text: `owner/name`, with `@v2` if it is pinned."""
        slug = f"{self.model.organization.slug}/{self.model.name}"
        return f"{slug}@v{self.version.number}" if self.version else slug


class PendingListing(models.Model):
    """A request to price and list a version as soon as it has passed its checks; deleted after their result.

    Attributes:
        unit_price: micro-units for one unit of the model's task.
    """

    version = models.OneToOneField(
        "providers.ModelVersion", on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    unit_price = models.BigIntegerField()
    actor = models.ForeignKey("accounts.User", on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
