"""What the platform worker does for inference."""

from celery import shared_task

from billing.ledger.services import usage
from billing.outcomes.services.expiry import expire_holds
from billing.outcomes.services.verdicts import close_reviews
from inference.services import inspections, statistics
from inference.services.files import expire_uploads
from inference.services.idempotency import forget_keys
from inference.services.recovery import give_up, take_back
from inference.services.thumbnails import make_due
from marketplace.core.database import trying_alone


@shared_task(name="inference.sweep")
def sweep() -> None:
    """Take up what a crash left, and end what is over: claims, calls, reviews, holds, keys and uploads."""
    take_back()
    inspections.take_back()
    give_up()
    close_reviews()
    expire_holds()
    forget_keys()
    expire_uploads()


@shared_task(name="inference.make_thumbnails")
def make_thumbnails() -> None:
    """Make thumbnails of the pictures that are queued; a long queue is continued by the next task."""
    make_due()


@shared_task(name="inference.roll_up")
def roll_up() -> None:
    """Bring usage and statistics up to date. Does nothing while another thread does so: a first build takes minutes."""
    with trying_alone("inference.roll_up") as is_alone:
        if is_alone:
            usage.roll_up()
            statistics.roll_up()
