from django.db import connection
from django.db.models.functions import Now

from billing.domain import HoldState
from billing.models import Hold


def expire_holds(*, limit: int = 1000) -> int:
    """Let go of holds whose time is over and return how many; nobody is charged for them."""
    due = Hold.objects.filter(state=HoldState.PENDING, expires_at__lt=Now()).order_by("expires_at")
    holds = list(due.values_list("pk", flat=True)[:limit])
    with connection.cursor() as cursor:
        cursor.execute("SELECT billing_release(%s::uuid[], 'expired')", [holds])
        row: tuple[int] = cursor.fetchone()
    return row[0]
