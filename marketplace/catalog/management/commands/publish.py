from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from marketplace.accounts.selectors import organization_by_slug
from marketplace.catalog.domain import parse_reference
from marketplace.catalog.services.publish import publish
from marketplace.core.money import NotAnAmount, format_amount, parse_amount
from marketplace.core.problems import Problem


class Command(BaseCommand):
    help = "Publish a diffusers folder as a model, price it and put it on sale."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="a folder written by save_pretrained(), with a README.md card")
        parser.add_argument("--as", dest="name", required=True, metavar="OWNER/NAME", help="under which name")
        parser.add_argument("--price", required=True, help="for one unit (one image), for example 0.004")

    def handle(self, *args: Any, **options: Any) -> None:
        reference = parse_reference(options["name"])
        if reference is None or reference.version is not None:
            raise CommandError(f"--as {options['name']!r}: write it as owner/name")
        organization = organization_by_slug(reference.owner)
        if organization is None:
            raise CommandError(f'There is no organisation "{reference.owner}"; found it in the console first')
        try:
            price = parse_amount(options["price"])
            listing = publish(
                folder=options["folder"], organization=organization, name=reference.name, unit_price=price
            )
        except NotAnAmount as error:
            raise CommandError(f"--price: {error}") from error
        except Problem as problem:
            lines = [f"  {error.field}: {error.detail}" for error in problem.errors] or [f"  {problem.detail}"]
            raise CommandError("\n".join([f"{problem.title}. Nothing is on sale.", *lines])) from problem
        version = listing.version
        self.stdout.write(
            f"{organization.slug}/{listing.model.name} version {version.number} ({version.pk}) is on sale at "
            f"{format_amount(price, settings.CURRENCY)} an image"
        )
