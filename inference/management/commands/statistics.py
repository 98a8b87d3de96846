"""`manage.py statistics rebuild`: recomputes the statistics and the usage of all hours."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from billing.ledger.services import usage
from inference.services import statistics


class Command(BaseCommand):
    help = (
        "Recompute the statistics of models and the usage that earnings are read from, beside a running market. The "
        "platform worker does so by itself where there are none."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["rebuild"])

    def handle(self, *args: Any, **options: Any) -> None:
        hours = usage.rebuild()
        self.stdout.write(f"Usage: {hours} row(s) of an hour were not what the usage records say, and are now")
        figures = statistics.rebuild()
        self.stdout.write(f"Statistics: {figures} time(s) the figures of a model changed")
