"""While a release is rolled out, processes of the one before go on: their recorded SQL, against the new database.

`fixtures/calls-0.1.0.json.gz` holds the data of a small market and the statements that web processes and nodes of 0.1.0
(commit a34ceac) sent to it in turn, with their parameters and what PostgreSQL answered then.
"""

import gzip
import json
import uuid
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from psycopg.types.json import set_json_loads

from tests.support.databases import connect, migrate, new_database, restore

FIXTURES = Path(__file__).parent / "fixtures"
CALLS = json.loads(gzip.decompress((FIXTURES / "calls-0.1.0.json.gz").read_bytes()))


@pytest.fixture(scope="module")
def rolled_out() -> Iterator[str]:
    """A database of 0.1.0 with its market, migrated to this release."""
    with new_database() as database:
        restore(database, FIXTURES / "schema-0.1.0.sql.gz")
        with connect(database) as connection:
            connection.execute(CALLS["scene"])
        migrate(database)
        yield database


def told(value: Any) -> Any:
    """A recorded parameter."""
    match value:
        case {"uuid": text}:
            return uuid.UUID(text)
        case list():
            return [told(item) for item in value]
    return value


def recorded(value: Any) -> Any:
    """A value as the recording has it: times only as such."""
    match value:
        case uuid.UUID():
            return {"uuid": str(value)}
        case datetime():
            return {"time": True}
        case Decimal():
            return {"decimal": str(value)}
    return value


def in_any_order(rows: list[Any]) -> list[str]:
    return sorted(json.dumps(row) for row in rows)


def replay(connection: psycopg.Connection, call: dict[str, Any]) -> list[Any]:
    parameters = call["parameters"]
    given = told(parameters) if isinstance(parameters, list) else {name: told(x) for name, x in parameters.items()}
    cursor = connection.execute(call["sql"], given)
    assert [column.name for column in cursor.description or ()] == call["columns"], call["name"]
    return [[recorded(value) for value in row] for row in cursor.fetchall()]


def test_what_0_1_0_sends_is_answered_as_before(rolled_out: str):
    """Admissions, claims, completions, cancellations, views and verdicts, and the books after them."""
    with connect(rolled_out, user=settings.SERVING_ROLE) as connection:
        set_json_loads(lambda text: text.decode() if isinstance(text, bytes) else text, connection)
        for call in CALLS["statements"]:
            assert in_any_order(replay(connection, call)) == in_any_order(call["rows"]), call["name"]
