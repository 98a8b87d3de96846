"""`manage.py prepare`: the preparation before the market's processes start, in one process."""

from argparse import ArgumentParser

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from marketplace.launcher.embedded.postgres import EmbeddedPostgres


class Command(BaseCommand):
    help = "Create the embedded database, migrate, and seed the demo market. Steps that were done already are skipped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-demo", action="store_true", help="do not seed the demo market")

    def handle(self, *, no_demo: bool, **options: object) -> None:
        if settings.EMBEDDED_POSTGRES:
            EmbeddedPostgres(settings.HOME).ensure_databases(
                owner=settings.OWNER_ROLE, serving=settings.SERVING_ROLE, database=settings.DATABASE_NAME
            )
        call_command("migrate", interactive=False)
        if not no_demo:
            call_command("demo", "seed")
