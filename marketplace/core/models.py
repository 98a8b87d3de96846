from django.db import models
from django.db.models.functions import Now


class OutboxEvent(models.Model):
    """News that was committed together with its cause and waits to be delivered; gone once it was.

    Attributes:
        topic: what happened, for example `prediction.completed`.
        payload: what a subscriber needs to know, JSON.
        due_at: when to try (again).
        attempts: deliveries that failed so far.
        last_error: why the last one failed.
    """

    topic = models.TextField()
    payload = models.JSONField()
    created_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(db_default=Now())
    attempts = models.PositiveIntegerField(db_default=0)
    last_error = models.TextField(db_default="")

    class Meta:
        indexes = [models.Index("due_at", "id", name="outbox_due")]


class InboxMessage(models.Model):
    """An e-mail of an installation that has no mail server; the operator reads it on the inbox page."""

    recipients = models.TextField()
    subject = models.TextField()
    body = models.TextField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
