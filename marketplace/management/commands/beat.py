from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from marketplace.management.worker import become_celery


class Command(BaseCommand):
    help = "Run the scheduler of the platform worker's periodic tasks. Run exactly one."

    def handle(self, *args: Any, **options: Any) -> None:
        settings.HOME.path.mkdir(parents=True, exist_ok=True)
        become_celery("beat", f"--schedule={settings.HOME.path / 'beat-schedule'}", "--loglevel=WARNING")
