from typing import Any

from django.core.management.base import CommandParser
from django.core.management.commands import migrate
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from marketplace.core.database import migrating_alone
from marketplace.core.sql_files import apply_files, read_files


class Command(migrate.Command):
    """Django's migrate, as the owner role, followed by the SQL functions and views and the grants of the serving role.

    Processes that migrate at the same time take turns.
    """

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database="owner")

    def handle(self, *args: Any, **options: Any) -> None:
        with migrating_alone():
            super().handle(*args, **options)
            if options["plan"] or options["check_unapplied"]:
                return
            if _is_complete():
                self._apply_files(options["verbosity"])
            else:  # they are about the newest tables, not those of an earlier migration
                self.stdout.write("SQL functions, views and grants wait until all migrations are applied.")

    def _apply_files(self, verbosity: int) -> None:
        for path in apply_files(read_files()):
            if verbosity:
                self.stdout.write(f"  Applied {path}")


def _is_complete() -> bool:
    executor = MigrationExecutor(connections["owner"])
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())
