from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Coalesce, Lower, Now

from marketplace.catalog.domain import BANDS, Band
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

    @property
    def slug(self) -> str:
        """The model's name, `owner/name`."""
        return f"{self.model.organization.slug}/{self.model.name}"


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


def _band(field: str) -> models.GeneratedField:
    """The name of the band that a figure lies in, kept by PostgreSQL itself; empty without a figure."""
    bands: tuple[Band, ...] = BANDS[field]
    limits = [
        When(Q(**{f"{field}__lt": band.below}), then=Value(band.name)) for band in bands if band.below is not None
    ]
    unknown = When(Q(**{f"{field}__isnull": True}), then=Value(""))
    choice: Any = Case(unknown, *limits, default=Value(bands[-1].name))
    return models.GeneratedField(expression=choice, output_field=models.TextField(), db_persist=True)


class SearchEntry(models.Model):
    """What the catalogue shows, finds and sorts a model on sale by. There is one for each listed model, and no other.

    `marketplace.catalog.services.entries` derives it from the model, its listing, its price and its statistics.

    Attributes:
        vector: its words with weights: A of its names, B of task, tags and licence, C of its summary, D of its card.
        slug: `owner/name` in lower case.
        owner: its provider's slug.
        price: micro-units of a call with the model's defaults; null: it depends on the input.
        price_or_last, seconds_or_last: what sorts models without the figure after all others.
        runs, success_rate, p50_run_seconds: as in its statistics.
        created_at: when it was first listed.
        updated_at: when it was last derived anew.
        refresh_at: when it has to be derived anew at the latest: a price becomes effective, or a day is over.
    """

    listing = models.OneToOneField(Listing, on_delete=models.CASCADE, primary_key=True, related_name="entry")
    vector = SearchVectorField()
    slug = models.TextField(unique=True, db_collation="C")
    owner = models.TextField()
    task = models.TextField()
    license = models.TextField()
    price = models.BigIntegerField(null=True)
    runs = models.BigIntegerField(default=0)
    success_rate = models.FloatField(null=True)
    p50_run_seconds = models.FloatField(null=True)
    price_band = _band("price")
    speed_band = _band("p50_run_seconds")
    success_band = _band("success_rate")
    price_or_last = models.GeneratedField(
        expression=Coalesce(F("price"), Value(2**63 - 1)), output_field=models.BigIntegerField(), db_persist=True
    )
    seconds_or_last = models.GeneratedField(
        expression=Coalesce(F("p50_run_seconds"), Value(float("inf"))),
        output_field=models.FloatField(),
        db_persist=True,
    )
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    refresh_at = models.DateTimeField()

    class Meta:
        indexes = [
            GinIndex("vector", name="entry_words", fastupdate=False),  # searches would read a pending list one by one
            models.Index("runs", "listing", name="entry_by_runs"),
            models.Index("created_at", "listing", name="entry_by_age"),
            models.Index("price_or_last", "listing", name="entry_by_price"),
            models.Index("seconds_or_last", "listing", name="entry_by_speed"),
            models.Index("owner", "runs", name="entry_by_owner"),
            models.Index("task", "runs", name="entry_by_task"),
            models.Index("license", "runs", name="entry_by_license"),
            models.Index("price_band", name="entry_by_price_band"),
            models.Index("speed_band", name="entry_by_speed_band"),
            models.Index("success_band", name="entry_by_success_band"),
            models.Index("updated_at", name="entry_by_update"),
            models.Index("refresh_at", name="entry_by_refresh"),
        ]


class Word(models.Model):
    """A word of the models on sale, to correct mistyped words of searches.

    Attributes:
        documents: how many models had it when words were last counted.
        titled: how many of them have it in a name, their task, a tag or their licence.
        deletions: the word, and what it is without one of its letters: two words that are one edit apart share one.
    """

    word = models.TextField(primary_key=True, db_collation="C")
    documents = models.IntegerField()
    titled = models.IntegerField()
    deletions = ArrayField(models.TextField())

    class Meta:
        indexes = [GinIndex("deletions", name="word_deletions", fastupdate=False)]
