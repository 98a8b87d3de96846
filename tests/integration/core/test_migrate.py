"""Migrating: an empty database, one of release 0.1.0, several processes at once, one that dies."""

from pathlib import Path

import pytest
from django.conf import settings

from marketplace.core.sql_files import read_files
from tests.support.databases import connect, dump_schema, migrate, new_database, restore, restored_schema, start_python
from tests.support.services import wait_until

pytestmark = pytest.mark.slow  # each test migrates databases in processes of their own

RELEASE_0_1_0 = Path(__file__).parent / "fixtures" / "schema-0.1.0.sql.gz"

# Changes one function, then takes its time over another that looks it up.
APPLY_SLOWLY = """
import django
django.setup()
from dataclasses import replace
from marketplace.core.sql_files import SqlFile, apply_files, read_files

files = [replace(file, text=file.text.replace("DESC LIMIT 1", "ASC LIMIT 1")) for file in read_files()]
slow = "CREATE OR REPLACE FUNCTION slow() RETURNS bigint LANGUAGE sql AS 'SELECT billing_quote(NULL, 1, 1)';"
apply_files([*files, SqlFile("core/slow.sql", "FUNCTION", "slow", slow + "SELECT pg_sleep(3)")])
"""


def test_a_database_of_release_0_1_0_becomes_the_same_as_a_new_one():
    with new_database() as database:
        restore(database, RELEASE_0_1_0)
        (written,) = migrate(database)
        assert all(f"Applied {file.path}\n" in written for file in read_files())
        assert restored_schema(database) == restored_schema(settings.DATABASE_NAME)
        assert "Applied " not in migrate(database)[0]


def test_processes_that_migrate_an_empty_database_at_once_take_turns():
    with new_database() as database:
        first, second = migrate(database, processes=2)
        assert ("Applied " in first) != ("Applied " in second)
        assert dump_schema(database) == dump_schema(settings.DATABASE_NAME)


def test_functions_wait_for_all_migrations():
    with new_database() as database:
        (written,) = migrate(database, "accounts", "0001")
        assert "wait until all migrations are applied" in written
        with connect(database) as connection:
            named = connection.execute("SELECT count(*) FROM pg_proc WHERE proname LIKE 'accounts%'").fetchone()
        assert named == (0,)


def test_a_process_that_dies_in_the_middle_leaves_every_function_as_it_was():
    with new_database() as database:
        restore(database, RELEASE_0_1_0)
        before = dump_schema(database)
        process = start_python(database, "-c", APPLY_SLOWLY)
        with connect(database) as connection:
            sleeping = "FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
            wait_until(
                lambda: process.poll() is not None or connection.execute(f"SELECT {sleeping}").fetchone() is not None,
                "the file that takes its time",
                seconds=60,
            )
            # By now it has replaced all other functions, which nobody else sees.
            assert dump_schema(database) == before
            process.kill()
            process.communicate()
            wait_until(
                lambda: connection.execute(f"SELECT {sleeping}").fetchone() is None, "its connection's end", seconds=30
            )
        assert dump_schema(database) == before
