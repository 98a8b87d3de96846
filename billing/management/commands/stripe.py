"""`manage.py stripe setup`: creates what the market needs in Stripe."""

from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from billing.gateways import current_gateway
from marketplace.core.problems import Problem


class Command(BaseCommand):
    help = "Create the meter in Stripe unless it exists, and list the webhook endpoints that lead here."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["setup"])

    def handle(self, *, what: str, **options: object) -> None:
        try:
            lines = current_gateway().set_up(webhook_url=f"{settings.BASE_URL}/webhooks/stripe")
        except Problem as problem:
            raise CommandError(problem.detail) from problem
        for line in lines:
            self.stdout.write(line)
