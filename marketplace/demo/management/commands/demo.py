from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from marketplace.core.problems import Problem
from marketplace.demo import credentials
from marketplace.demo.history import make_history
from marketplace.demo.seed import seed


class Command(BaseCommand):
    help = "Make the demo market: `seed` its parties and models, then `history` by running them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["seed", "history"])

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["what"] == "seed":
                seed()
                self.stdout.write(f"The demo market is ready; {credentials.demo_file()} says how to sign in")
            else:
                make_history(self.stdout.write)
        except Problem as problem:
            raise CommandError(problem.detail) from problem
