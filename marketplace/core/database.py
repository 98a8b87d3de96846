"""The two roles of PostgreSQL: the owner migrates; the serving role cannot change append-only tables."""

from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, connections, transaction
from django.db.backends.utils import CursorWrapper
from psycopg import sql


class OwnerMigrates:
    """Database router: migrations run on the `owner` connection only."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "owner"


def grant_serving_role() -> None:
    """Give the serving role exactly what it needs on the tables and functions that exist now.

    An app's `AppConfig` may name models as `append_only` (insert and read) or `function_written` (read; its SQL
    functions, which run with the owner's rights, do the writing). All other tables are read and written freely.
    """
    owner, role = connections["owner"], settings.SERVING_ROLE
    who = sql.Identifier(role)
    with transaction.atomic(using="owner"), owner.cursor() as cursor:  # the grants are not visible before the revokes
        functions = _functions_with_owner_rights(cursor)
        for function in functions:
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
        for function in functions:
            run(cursor, sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}").format(sql.SQL(function), who))


def _functions_with_owner_rights(cursor: CursorWrapper) -> list[str]:
    """Signatures of the functions that run with the owner's rights, except trigger functions."""
    cursor.execute(
        "SELECT p.oid::regprocedure::text FROM pg_proc p "
        "WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef AND p.prorettype <> 'trigger'::regtype"
    )
    return [signature for (signature,) in cursor.fetchall()]


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
