"""Keeps the usage of each hour (`UsageHour`) what the usage records sum to."""

from datetime import datetime

from django.db import connection
from django.db.models import Max, Min
from django.utils import timezone

from billing.ledger.models import UsageHour, UsageRecord
from marketplace.core.rollups import due_from, portions


def roll_up(*, now: datetime | None = None) -> int:
    """Bring the usage of hours up to date: the newest hours, or all of them while there are none.

    Returns:
        how many rows changed.
    """
    newest = UsageHour.objects.aggregate(newest=Max("hour"))["newest"]
    return _roll_up_since(due_from(newest=newest, oldest=_oldest() if newest is None else None), now or timezone.now())


def rebuild(*, now: datetime | None = None) -> int:
    """Recompute all hours for which there still are usage records, beside a running market; what is older is kept.

    Returns:
        how many rows changed.
    """
    return _roll_up_since(due_from(newest=None, oldest=_oldest()), now or timezone.now())


def roll_up_hours(start: datetime, end: datetime) -> int:
    """Recompute the hours from `start` until before `end`, in a statement of its own; returns how many rows changed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT billing_roll_up(%s, %s)", [start, end])
        (changed,) = cursor.fetchone()
    return int(changed)


def _oldest() -> datetime | None:
    """When the first usage was recorded. It reads all records, as a build does."""
    found: datetime | None = UsageRecord.objects.aggregate(oldest=Min("created_at"))["oldest"]
    return found


def _roll_up_since(start: datetime | None, now: datetime) -> int:
    if start is None:
        return 0
    return sum(roll_up_hours(first, end) for first, end in portions(start, now))
