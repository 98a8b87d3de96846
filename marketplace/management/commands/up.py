"""`manage.py up`: the whole market as one command."""

import os
from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from marketplace.launcher.embedded.errors import EmbeddedError
from marketplace.launcher.processes import embedded_services, market, where_to_look
from marketplace.launcher.supervisor import Log, Supervisor, SupervisorError, claim_home, claim_port


class Command(BaseCommand):
    help = "Starts the market: its services, migrations, the demo, web, a node, the platform's worker and its clock."
    requires_system_checks: list[str] = []  # `prepare` runs them

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-demo", action="store_true", help="start without the demo market")

    def handle(self, *, no_demo: bool, **options: object) -> None:
        # Children find their home by it, from whatever folder they run.
        os.environ["BOURSE_HOME"] = str(settings.HOME.path)
        try:
            specs = [*embedded_services(), *market(demo=not no_demo)]
            log = Log(spec.name for spec in specs)
            with claim_home(settings.HOME.path, site=settings.BASE_URL):
                claim_port(settings.HOST, settings.PORT)
                log.say(f"Starting Bourse on {settings.HOME.path}")
                Supervisor(specs, log=log, when_up=where_to_look).run()
        except (EmbeddedError, SupervisorError) as error:
            raise CommandError(str(error)) from error
