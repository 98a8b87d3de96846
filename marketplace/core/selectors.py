"""Reading core's own tables, for the operator's pages."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from marketplace.core.models import InboxMessage, OutboxEvent
from marketplace.core.paging import count_of, count_text

MAX_SHOWN_FAILURES = 20


@dataclass(frozen=True)
class Undelivered:
    """Outbox events that were not delivered yet.

    Attributes:
        count: in words, exact up to a thousand.
        oldest: when the oldest of them happened; None: there is none.
        failing: those whose delivery failed, most attempts first, at most `MAX_SHOWN_FAILURES`.
    """

    count: str
    oldest: datetime | None
    failing: list[OutboxEvent]


def undelivered_events() -> Undelivered:
    """The state of the outbox."""
    oldest = OutboxEvent.objects.order_by("pk").values_list("created_at", flat=True).first()
    failing = OutboxEvent.objects.filter(attempts__gt=0).order_by("-attempts")[:MAX_SHOWN_FAILURES]
    count = count_text(count_of(OutboxEvent.objects.all()))
    return Undelivered(count=count, oldest=oldest, failing=list(failing))


def inbox_messages() -> QuerySet[InboxMessage]:
    """The e-mails that were kept because there is no mail server, newest first."""
    return InboxMessage.objects.all()
