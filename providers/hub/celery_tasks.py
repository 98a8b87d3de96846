"""What the platform worker does for uploads."""

from celery import shared_task

from providers.hub import uploads


@shared_task(name="providers.sweep_uploads")
def sweep_uploads() -> None:
    """Forget uploads that nobody finished."""
    uploads.sweep()
