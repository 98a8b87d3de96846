"""What the platform worker does for inference."""

from celery import shared_task

from billing.services.expiry import expire_holds
from inference.services import inspections
from inference.services.recovery import give_up, take_back


@shared_task(name="inference.sweep")
def sweep() -> None:
    """Take up what a crash left: claims without a living node, calls and holds whose time is over."""
    take_back()
    inspections.take_back()
    give_up()
    expire_holds()
