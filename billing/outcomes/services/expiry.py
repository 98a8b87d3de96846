from django.db import connection
from django.db.models.functions import Now

from billing.ledger.domain import HoldState
from billing.ledger.models import Hold
from billing.outcomes.domain import OutcomeState
from billing.outcomes.models import Outcome


def expire_holds(*, limit: int = 1000) -> int:
    """Release expired holds without a charge, and return how many.

    Deliveries under review are left to `close_reviews`, which charges accepted units; `billing_release` would skip them
    anyway.
    """
    due = Hold.objects.filter(state=HoldState.PENDING, expires_at__lt=Now()).order_by("expires_at")
    due = due.exclude(pk__in=Outcome.objects.filter(state=OutcomeState.OBSERVING).values("pk"))
    holds = list(due.values_list("pk", flat=True)[:limit])
    with connection.cursor() as cursor:
        cursor.execute("SELECT billing_release(%s::uuid[], 'expired')", [holds])
        row: tuple[int] = cursor.fetchone()
    return row[0]
