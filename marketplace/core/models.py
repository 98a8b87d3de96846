from django.db import models
from django.db.models.functions import Now


class OutboxEvent(models.Model):
    """An event that was committed with its cause and waits for delivery. It is deleted after delivery.

    Attributes:
        topic: what happened, for example `prediction.completed`.
        payload: the data for subscribers, JSON.
        due_at: the time of the next delivery attempt.
        attempts: how many deliveries failed so far.
        last_error: the error of the last failed delivery.
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
    """An e-mail of an installation without a mail server; the operator reads it on the inbox page."""

    recipients = models.TextField()
    subject = models.TextField()
    body = models.TextField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
