"""The two roles of PostgreSQL: the owner migrates; the serving role cannot change append-only tables."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, connections
from django.db.backends.utils import CursorWrapper
from psycopg import sql

MIGRATING: Final = 0x626F75727365  # the advisory lock of a running migration: "bourse" in ASCII


class OwnerMigrates:
    """Database router: migrations run on the `owner` connection only."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "owner"


@contextmanager
def migrating_alone() -> Iterator[None]:
    """Wait until nobody else migrates this database, and keep others waiting within the block."""
    owner = connections["owner"]
    with owner.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATING])
    try:
        yield
    finally:  # a process that dies lets go too, with its connection
        with owner.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATING])


@contextmanager
def trying_alone(name: str, *, lane: int = 0) -> Iterator[bool]:
    """Whether nobody else is within a block of this name and lane; if so, others are told otherwise until it ends."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, %s))", [name, lane])
        is_alone = cursor.fetchone() == (True,)
    try:
        yield is_alone
    finally:  # a process that dies lets go too, with its connection
        if is_alone:
            with connections["default"].cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, %s))", [name, lane])


def grant_serving_role(cursor: CursorWrapper) -> None:
    """Give the serving role exactly what it needs on the tables, views and functions that exist now.

    An app's `AppConfig` may name models as `append_only` (insert and read) or `function_written` (read; its SQL
    functions, which run with the owner's rights, do the writing). All other tables are read and written freely, views
    are read.

    Args:
        cursor: of the owner, in a transaction, so that nobody sees the grants before the revokes.
    """
    owner, role = connections["owner"], settings.SERVING_ROLE
    who = sql.Identifier(role)
    functions = _functions_with_owner_rights(cursor)
    for function, _ in functions:
        run(cursor, sql.SQL("REVOKE ALL ON FUNCTION {} FROM PUBLIC").format(sql.SQL(function)))
    if owner.settings_dict["USER"] == role:
        return  # one role for both: triggers still keep the ledger append-only
    run(cursor, sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(who))
    run(cursor, sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}").format(who))
    run(cursor, sql.SQL("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {}").format(who))
    for config in apps.get_app_configs():
        for names, revoked in (
            (getattr(config, "append_only", ()), "UPDATE, DELETE, TRUNCATE"),
            (getattr(config, "function_written", ()), "INSERT, UPDATE, DELETE, TRUNCATE"),
        ):
            for name in names:
                table = sql.Identifier(config.get_model(name)._meta.db_table)
                run(cursor, sql.SQL("REVOKE {} ON {} FROM {}").format(sql.SQL(revoked), table, who))
    for view in _views(cursor):
        run(cursor, sql.SQL("REVOKE INSERT, UPDATE, DELETE ON {} FROM {}").format(sql.SQL(view), who))
    for function, is_trigger in functions:
        if not is_trigger:
            run(cursor, sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}").format(sql.SQL(function), who))


def _functions_with_owner_rights(cursor: CursorWrapper) -> list[tuple[str, bool]]:
    """Signatures of the functions that run with the owner's rights, and whether they are for triggers.

    No role is granted those: as the trigger of a table of its own, one would act on its rows with the owner's rights.
    """
    cursor.execute(
        "SELECT p.oid::regprocedure::text, p.prorettype = 'trigger'::regtype FROM pg_proc p "
        "WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef"
    )
    functions: list[tuple[str, bool]] = cursor.fetchall()
    return functions


def _views(cursor: CursorWrapper) -> list[str]:
    cursor.execute(
        "SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'v'"
    )
    return [view for (view,) in cursor.fetchall()]


def run(cursor: CursorWrapper, statement: sql.Composed) -> None:
    """Execute a composed statement, which the types of Django's cursor do not cover."""
    cursor.execute(statement.as_string(cursor.connection))


def reachable() -> bool:
    """Whether PostgreSQL answers on the serving connection."""
    try:
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True
