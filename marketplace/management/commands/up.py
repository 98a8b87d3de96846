"""`manage.py up`: starts the whole market."""

import os
from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from marketplace.launcher.embedded.errors import EmbeddedError
from marketplace.launcher.processes import embedded_services, market, startup_message
from marketplace.launcher.reloading import with_reload
from marketplace.launcher.supervisor import Log, Supervisor, SupervisorError, claim_home, claim_port


class Command(BaseCommand):
    help = "Start the market: its services, migrations, the demo, web, a node, the platform worker and the scheduler."
    requires_system_checks: list[str] = []  # `prepare` runs them

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-demo", action="store_true", help="start without the demo market")
        parser.add_argument("--reload", action="store_true", help="build and start anew what changes in the sources")

    def handle(self, *, no_demo: bool, reload: bool, **options: object) -> None:
        # Child processes find their home by it, whatever their working directory is.
        os.environ["BOURSE_HOME"] = str(settings.HOME.path)
        try:
            specs = [*embedded_services(), *market(demo=not no_demo)]
            if reload:
                specs = with_reload(specs)
            log = Log(spec.name for spec in specs)
            with claim_home(settings.HOME.path, site=settings.BASE_URL):
                claim_port(settings.HOST, settings.PORT)
                log.info(f"Starting Bourse on {settings.HOME.path}")
                Supervisor(specs, log=log, when_up=startup_message).run()
        except (EmbeddedError, SupervisorError) as error:
            raise CommandError(str(error)) from error
