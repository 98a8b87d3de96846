"""The Celery tasks of versions and drafts. (The package `tasks` holds the tasks of models.)"""

from celery import shared_task

from providers.services.check_files import check_version, overdue
from providers.services.dispatch import CHECK_TASK, send_check
from providers.services.drafts import expire_drafts


@shared_task(name=CHECK_TASK)
def check_files(version: str) -> None:
    """Run the first step of a version's checks."""
    check_version(version_id=version)


@shared_task(name="providers.sweep")
def sweep() -> None:
    """Send the checks that a crash or a lost message left undone, and delete expired drafts."""
    for version in overdue():
        send_check(version)
    expire_drafts()
