"""Keeps the statistics of models (`ModelHour`, `ModelStats`, `MarketTotals`) what the predictions say."""

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Max, Min
from django.utils import timezone

from inference import sql
from inference.domain.statistics import MAX_RECENT, window_start
from inference.models import ModelHour, ModelStats, Prediction
from marketplace.core import outbox
from marketplace.core.rollups import due_from, portions

TOPIC = "statistics.rolled_up"
MAX_MODELS_AN_EVENT = 500


def roll_up(*, now: datetime | None = None) -> int:
    """Bring the statistics up to date: the newest hours, or all of them while there are none.

    Returns:
        how many times a model's figures changed.
    """
    newest = ModelHour.objects.aggregate(newest=Max("hour"))["newest"]
    start = due_from(newest=newest, oldest=_oldest() if newest is None else None)
    return _roll_up_since(start, now or timezone.now())


def rebuild(*, now: datetime | None = None) -> int:
    """Recompute all hours for which there still are predictions, and all figures, beside a running market.

    Hours before the oldest prediction are kept as they are.

    Returns:
        how many times a model's figures changed.
    """
    now = now or timezone.now()
    changed = _roll_up_since(due_from(newest=None, oldest=_oldest()), now)
    models = list(ModelHour.objects.values_list("model", flat=True).union(ModelStats.objects.values_list("model")))
    for first in range(0, len(models), MAX_MODELS_AN_EVENT):
        with transaction.atomic():
            changed += len(_refresh(models[first : first + MAX_MODELS_AN_EVENT], now))
    return changed


@transaction.atomic
def roll_up_hours(start: datetime, end: datetime, *, now: datetime) -> list[uuid.UUID]:
    """Recompute the hours from `start` until before `end`, and the figures of models that are no longer true.

    Returns:
        the models whose figures changed, which `statistics.rolled_up` tells as well.
    """
    changed = set(_call(sql.ROLL_UP, start=start, end=end, recent=MAX_RECENT))
    outdated = ModelStats.objects.filter(oldest_hour__lt=window_start(now))
    return _refresh(changed.union(outdated.values_list("model", flat=True)), now)


def _refresh(models: Collection[uuid.UUID], now: datetime) -> list[uuid.UUID]:
    """Compute the figures of these models anew, in the caller's transaction."""
    if not models:
        return []
    changed = _call(sql.REFRESH_STATS, models=list(models), window=window_start(now), recent=MAX_RECENT)
    for first in range(0, len(changed), MAX_MODELS_AN_EVENT):
        outbox.emit(TOPIC, {"models": [str(model) for model in changed[first : first + MAX_MODELS_AN_EVENT]]})
    return changed


def _call(statement: str, **parameters: Any) -> list[uuid.UUID]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [model for (model,) in cursor.fetchall()]


def _oldest() -> datetime | None:
    """When the first prediction ended."""
    found: datetime | None = Prediction.objects.aggregate(oldest=Min("completed_at"))["oldest"]
    return found


def _roll_up_since(start: datetime | None, now: datetime) -> int:
    if start is None:
        return 0
    return sum(len(roll_up_hours(first, end, now=now)) for first, end in portions(start, now))
