from typing import Any

from django.core.management.base import BaseCommand

from marketplace.celery import PLATFORM_QUEUE
from marketplace.management.worker import become_celery


class Command(BaseCommand):
    help = "Run the platform worker: outbox, sweeps and other background tasks."

    def handle(self, *args: Any, **options: Any) -> None:
        become_celery(
            "worker",
            "--pool=threads",
            "--concurrency=4",
            f"--queues={PLATFORM_QUEUE}",
            "--hostname=platform@%h",
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
            "--loglevel=WARNING",
        )
