from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from inference.services.dispatch import PLACEMENT_QUEUE
from marketplace.management.worker import become_celery


class Command(BaseCommand):
    help = "Run a node: one worker with one accelerator (NODE_NAME, NODE_ACCELERATOR, NODE_MEMORY_BYTES)."

    def handle(self, *args: Any, **options: Any) -> None:
        become_celery(
            "worker",
            "--pool=threads",
            "--concurrency=4",
            f"--queues={PLACEMENT_QUEUE}",
            "--include=inference.worker.tasks",
            f"--hostname=node-{settings.NODE_ACCELERATOR}@%h",
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
            "--loglevel=WARNING",
        )
