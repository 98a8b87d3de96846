from typing import Any

from django.core.management.base import CommandParser
from django.core.management.commands import migrate

from marketplace.core.database import grant_serving_role


class Command(migrate.Command):
    """Django's migrate, as the owner role, followed by the grants of the serving role."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database="owner")

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if not options["plan"] and not options["check_unapplied"]:
            grant_serving_role()
