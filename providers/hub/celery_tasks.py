"""The Celery task of uploads."""

from celery import shared_task

from providers.hub import uploads


@shared_task(name="providers.sweep_uploads")
def sweep_uploads() -> None:
    """Delete uploads that expired before they were finished."""
    uploads.sweep()
