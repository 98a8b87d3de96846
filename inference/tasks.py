"""What the platform worker does for inference."""

from celery import shared_task

from billing.services.expiry import expire_holds
from billing.services.outcomes import close_reviews
from inference.services.idempotency import forget_keys
from inference.services.recovery import give_up, take_back


@shared_task(name="inference.sweep")
def sweep() -> None:
    """Take up what a crash left: claims without a living node, calls, reviews, holds and keys whose time is over."""
    take_back()
    give_up()
    close_reviews()
    expire_holds()
    forget_keys()
