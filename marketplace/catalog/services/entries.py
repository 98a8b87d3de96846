"""Keeps the catalogue's entries true: what searches, facets and sorts of the models on sale read."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from billing.pricing.domain import PriceTerms
from billing.pricing.selectors import next_changes_of
from inference.domain.rating import rate_call
from marketplace.catalog.domain import sku_of
from marketplace.catalog.models import Listing, SearchEntry
from marketplace.catalog.selectors import Offer, offers_of
from marketplace.catalog.words import vector_of
from marketplace.core.events import Payload
from providers.tasks import task_named
from providers.tasks.fields import defaults_of

MAX_AGE = timedelta(days=1)  # a change that told nobody, such as one by hand, is shown after this time at the latest
BATCH = 200
MAX_BATCHES = 25  # of one sweep, which the next one continues

FIGURES = ("runs", "success_rate", "p50_run_seconds")
FIELDS = (*FIGURES, "vector", "slug", "owner", "task", "license", "price", "created_at", "updated_at", "refresh_at")


@transaction.atomic
def refresh(model_ids: Sequence[uuid.UUID]) -> None:
    """Derive the entries of these models anew: those on sale get one, the others lose theirs.

    Call it in the transaction of the change, or after its commit. It locks the listings, so that of two transactions
    that change one model the second sees what the first did, and its own change.
    """
    on_sale = offers_of(_lock(model_ids))
    changes = next_changes_of([sku_of(offer.listing.model_id) for offer in on_sale])
    now = timezone.now()
    entries = [_entry(offer, now, changes.get(sku_of(offer.listing.model_id))) for offer in on_sale]
    SearchEntry.objects.filter(pk__in=model_ids).exclude(pk__in=[entry.pk for entry in entries]).delete()
    SearchEntry.objects.bulk_create(
        entries, update_conflicts=True, unique_fields=["listing"], update_fields=list(FIELDS)
    )


def _lock(model_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Lock the listings of these models; what is read after this is what the last holder of the locks left."""
    listings = Listing.objects.select_for_update(no_key=True).filter(pk__in=model_ids).order_by("pk")
    return list(listings.values_list("pk", flat=True))


def _entry(offer: Offer, now: datetime, changes_at: datetime | None) -> SearchEntry:
    model, due = offer.listing.model, now + MAX_AGE
    return SearchEntry(
        listing_id=offer.listing.pk,
        vector=_vector(offer),
        slug=offer.slug.lower(),
        owner=model.organization.slug,
        task=model.task,
        license=model.license,
        price=usual_price(offer.listing, offer.price),
        created_at=offer.listing.created_at,
        updated_at=now,
        refresh_at=min(due, changes_at) if changes_at else due,
        **_figures(offer),
    )


def _figures(offer: Offer) -> dict[str, Any]:
    return {name: getattr(offer.stats, name) for name in FIGURES}


def _vector(offer: Offer) -> str:
    model = offer.listing.model
    texts = {
        "A": [model.name, model.organization.slug, model.organization.name],
        "B": [model.task, task_named(model.task).title, model.license, *model.tags],
        "C": [model.description],
        "D": [model.card],
    }
    return vector_of(texts)


def usual_price(listing: Listing, terms: PriceTerms) -> int | None:
    """Micro-units of a call with the model's defaults, which compares prices in different units.

    None: it depends on what the caller sends, for example on the size of a picture.
    """
    schema = listing.version.input_schema
    return rate_call(task=task_named(listing.model.task), schema=schema, terms=terms, inputs=defaults_of(schema)).amount


def on_statistics_rolled_up(payloads: Sequence[Payload]) -> None:
    """Outbox subscriber of `statistics.rolled_up`: take over the figures that models are sorted and filtered by."""
    models = sorted({uuid.UUID(model) for payload in payloads for model in payload["models"]})
    for start in range(0, len(models), BATCH):
        _refresh_figures(models[start : start + BATCH])


@transaction.atomic
def _refresh_figures(model_ids: Sequence[uuid.UUID]) -> None:
    """As `refresh`, without what statistics do not change: words, which are costly to index, stay as they are."""
    found = [SearchEntry(pk=offer.listing.pk, **_figures(offer)) for offer in offers_of(_lock(model_ids))]
    SearchEntry.objects.bulk_update(found, FIGURES)


def sweep() -> None:
    """Derive missing entries, superfluous ones and those that are due; a long backlog is continued by the next sweep.

    After an update from a release without entries, this makes them.
    """
    for _ in range(MAX_BATCHES):
        due = _due()
        if not due:
            return
        refresh(due)


def _due() -> list[uuid.UUID]:
    """Models whose entry is missing, superfluous or due, some of them."""
    missing = Listing.objects.filter(listed=True, entry=None)
    superfluous = SearchEntry.objects.filter(listing__listed=False)
    due = SearchEntry.objects.filter(refresh_at__lte=timezone.now()).order_by("refresh_at")
    return [pk for rows in (missing, superfluous, due) for pk in rows.values_list("pk", flat=True)[:BATCH]]
