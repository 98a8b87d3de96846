"""`manage.py prove_ledger`: prove the ledger now, in this process."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from billing.ledger.services.proofs import prove


class Command(BaseCommand):
    help = "Check that the ledger's books agree, from the last proven entry on; fails if they do not."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--full", action="store_true", help="from the first entry on")

    def handle(self, *, full: bool, **options: object) -> None:
        proof = prove(is_full=full)
        if proof is None:
            raise CommandError("Another process is proving the ledger; try again in a moment.")
        for finding in proof.findings:
            self.stdout.write(finding)
        if proof.findings:
            raise CommandError("The ledger is wrong: stop settlement and compare the accounts.")
        took = f"{proof.entries:,} entries in {proof.seconds:.1f} s"
        self.stdout.write(f"{took}, through entry {proof.through:,}: all is sound.")
