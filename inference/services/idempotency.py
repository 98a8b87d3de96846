from datetime import timedelta

from django.db.models.functions import Now

from inference.domain.conditions import KEY_HOURS
from inference.models import IdempotencyKey


def forget_keys(*, limit: int = 1000) -> int:
    """Delete idempotency keys older than `KEY_HOURS`, oldest first, and return how many."""
    old = IdempotencyKey.objects.filter(created_at__lt=Now() - timedelta(hours=KEY_HOURS)).order_by("created_at")
    forgotten, _ = IdempotencyKey.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:limit])).delete()
    return forgotten
