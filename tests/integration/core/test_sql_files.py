"""SQL functions and views come from their files: what changed is applied, what is gone goes, nothing by halves."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, InternalError, connections, transaction

from marketplace.core.sql_files import SqlFile, SqlFileError, apply_files, read_files, read_folder, read_objects

TABLE = """
CREATE TABLE core_thing (id int PRIMARY KEY, label text NOT NULL DEFAULT '');
INSERT INTO core_thing VALUES (1, 'one');
"""
STAMP = """CREATE OR REPLACE FUNCTION core_stamp() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN NEW.label := 'stamped'; RETURN NEW; END $$;
"""
ON_INSERT, ON_UPDATE = (
    f"CREATE OR REPLACE TRIGGER core_thing_{event} BEFORE {event} ON core_thing "
    "FOR EACH ROW EXECUTE FUNCTION core_stamp();\n"
    for event in ("insert", "update")
)


@pytest.fixture
def owner(database: None) -> Iterator[psycopg.Cursor]:
    """The owner's cursor in a transaction that is rolled back, with a table to play with."""
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute(TABLE)
        yield cursor
        transaction.set_rollback(True, using="owner")


def function(body: str, *, arguments: str = "p_x int", result: str = "int", more: str = "") -> str:
    return f"CREATE OR REPLACE FUNCTION core_f({arguments}) RETURNS {result} LANGUAGE sql {more} AS $$ {body} $$;\n"


def apply(tmp_path: Path, **texts: str) -> list[str]:
    """Apply all files of the apps and those given by name (`compat__f` stands below compat/0.0.9)."""
    for name, text in texts.items():
        path = tmp_path / (f"compat/0.0.9/{name.removeprefix('compat__')}.sql" if "__" in name else f"{name}.sql")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return apply_files([*read_files(), *read_folder("core", tmp_path)])


def value(cursor: psycopg.Cursor, sql: str) -> object:
    cursor.execute(sql)
    return cursor.fetchone()[0]


def test_the_database_has_what_the_files_say(owner: psycopg.Cursor):
    """By pg_get_functiondef, pg_get_triggerdef and pg_get_viewdef before and after running each file."""
    before = {found.identity: found.definition for found in read_objects(owner)}
    files = read_files()
    assert len(before) == len(files)
    for file in files:
        owner.execute(file.text)
    assert {found.identity: found.definition for found in read_objects(owner)} == before


def test_what_is_applied_is_left_alone(owner: psycopg.Cursor):
    versions = {(found.identity, found.row_version) for found in read_objects(owner)}
    assert apply_files(read_files()) == []
    assert {found.identity for found in read_objects(owner)} == {identity for identity, _ in versions}


def test_only_what_changed_is_applied(owner: psycopg.Cursor, tmp_path: Path):
    assert apply(tmp_path, core_f=function("SELECT 1")) == ["core/core_f.sql"]
    assert apply(tmp_path, core_f=function("SELECT 2")) == ["core/core_f.sql"]
    assert value(owner, "SELECT core_f(0)") == 2
    assert apply(tmp_path, core_f="-- Two.\n" + function("SELECT 2")) == ["core/core_f.sql"]
    assert apply(tmp_path) == []


@pytest.mark.parametrize(
    "changed",
    [
        function("SELECT 2", arguments="p_y int"),
        function("SELECT '2'", result="text"),
        function("SELECT 2", arguments="p_x int, OUT answer int").replace("RETURNS int ", ""),
        function("SELECT 2", arguments="p_x bigint"),
        function("SELECT 2", arguments="p_x int, p_y int DEFAULT 0"),
    ],
)
def test_a_function_with_another_signature_takes_the_place_of_the_old(
    owner: psycopg.Cursor, tmp_path: Path, changed: str
):
    apply(tmp_path, core_f=function("SELECT 1"))
    assert apply(tmp_path, core_f=changed) == ["core/core_f.sql"]
    assert str(value(owner, "SELECT core_f(0)")) == "2"
    assert value(owner, "SELECT count(*) FROM pg_proc WHERE proname = 'core_f'") == 1


def test_an_older_signature_stays_while_it_has_a_file(owner: psycopg.Cursor, tmp_path: Path):
    old = function("SELECT core_f(p_x::text)")
    apply(tmp_path, core_f=function("SELECT 2", arguments="p_x text"), compat__core_f=old)
    assert (value(owner, "SELECT core_f('x')"), value(owner, "SELECT core_f(1)")) == (2, 2)
    apply(tmp_path, core_f=function("SELECT 3", arguments="p_z text"), compat__core_f=old)
    assert (value(owner, "SELECT core_f('x')"), value(owner, "SELECT core_f(1)")) == (3, 3)
    (tmp_path / "compat/0.0.9/core_f.sql").unlink()
    assert apply(tmp_path) == []
    assert value(owner, "SELECT array_agg(oid::regprocedure::text) FROM pg_proc WHERE proname = 'core_f'") == [
        "core_f(text)"
    ]


def test_a_file_that_is_gone_takes_its_function_with_it(owner: psycopg.Cursor, tmp_path: Path):
    view = "CREATE OR REPLACE VIEW core_v AS SELECT core_f(id) AS answer FROM core_thing;"
    apply(tmp_path, core_f=function("SELECT 1"), core_stamp=STAMP + ON_INSERT, core_v=view)
    for name in ("core_f", "core_stamp", "core_v"):
        (tmp_path / f"{name}.sql").unlink()
    assert apply(tmp_path) == []
    assert not {found.name for found in read_objects(owner)} & {"core_f", "core_stamp", "core_v"}
    assert value(owner, "INSERT INTO core_thing VALUES (2, 'two') RETURNING label") == "two"


def test_functions_of_others_stay(owner: psycopg.Cursor):
    owner.execute("CREATE FUNCTION of_an_administrator() RETURNS int LANGUAGE sql AS 'SELECT 5'")
    apply_files(read_files())
    assert value(owner, "SELECT of_an_administrator()") == 5


@pytest.mark.parametrize(
    "by_hand",
    [
        function("SELECT 666"),
        function("SELECT 1", more="VOLATILE COST 5"),
        "ALTER FUNCTION core_f(int) IMMUTABLE",
        "DROP FUNCTION core_f(int)",
        "COMMENT ON FUNCTION core_f(int) IS 'mine'",
    ],
)
def test_what_somebody_changed_by_hand_is_put_right(owner: psycopg.Cursor, tmp_path: Path, by_hand: str):
    apply(tmp_path, core_f=function("SELECT 1"))
    made = [found.definition for found in read_objects(owner) if found.name == "core_f"]
    owner.execute(by_hand)
    assert apply(tmp_path) == ["core/core_f.sql"]
    assert value(owner, "SELECT core_f(0)") == 1
    if "ALTER" not in by_hand and "COST" not in by_hand:
        assert [found.definition for found in read_objects(owner) if found.name == "core_f"] == made


@pytest.mark.parametrize(
    "by_hand",
    ["ALTER TABLE core_thing DISABLE TRIGGER core_thing_insert", "DROP TRIGGER core_thing_insert ON core_thing"],
)
def test_triggers_are_put_right_too(owner: psycopg.Cursor, tmp_path: Path, by_hand: str):
    apply(tmp_path, core_stamp=STAMP + ON_INSERT)
    owner.execute(by_hand)
    assert apply(tmp_path) == ["core/core_stamp.sql"]
    assert value(owner, "INSERT INTO core_thing VALUES (2, 'two') RETURNING label") == "stamped"


def test_a_trigger_goes_when_its_line_does(owner: psycopg.Cursor, tmp_path: Path):
    apply(tmp_path, core_stamp=STAMP + ON_INSERT + ON_UPDATE)
    assert value(owner, "UPDATE core_thing SET label = 'x' RETURNING label") == "stamped"
    apply(tmp_path, core_stamp=STAMP + ON_INSERT)
    assert value(owner, "UPDATE core_thing SET label = 'x' RETURNING label") == "x"
    assert value(owner, "INSERT INTO core_thing VALUES (2, 'two') RETURNING label") == "stamped"


def test_a_view_with_other_columns_takes_the_place_of_the_old(owner: psycopg.Cursor, tmp_path: Path):
    apply(tmp_path, core_v="CREATE OR REPLACE VIEW core_v AS SELECT id, label FROM core_thing;")
    apply(tmp_path, core_v="CREATE OR REPLACE VIEW core_v AS SELECT label FROM core_thing;")
    assert value(owner, "SELECT to_jsonb(v) FROM core_v v") == '{"label": "one"}'


def test_functions_in_sql_and_views_come_after_what_they_name(owner: psycopg.Cursor, tmp_path: Path):
    apply(
        tmp_path,
        core_a="CREATE OR REPLACE VIEW core_a AS SELECT core_b() AS answer;",
        core_b="CREATE OR REPLACE FUNCTION core_b() RETURNS int LANGUAGE sql AS 'SELECT core_f(1)';",
        core_f=function("SELECT 1"),
    )
    assert value(owner, "SELECT answer FROM core_a") == 1


def test_grants_come_with_what_was_made_anew(owner: psycopg.Cursor, tmp_path: Path):
    """To the serving role what runs with the owner's rights, to nobody a trigger; views are only read."""
    with_rights = function("SELECT 1", more="SECURITY DEFINER SET search_path = public, pg_temp")
    apply(tmp_path, core_f=with_rights)
    view = "CREATE OR REPLACE VIEW core_v AS SELECT id, label FROM core_thing;"
    apply(tmp_path, core_f=with_rights.replace("p_x", "p_y"), core_stamp=STAMP + ON_INSERT, core_v=view)
    rights = "SELECT has_function_privilege(%s, %s, 'EXECUTE')"
    for role, name, may in [
        (settings.SERVING_ROLE, "core_f(int)", True),
        ("pg_monitor", "core_f(int)", False),
        (settings.SERVING_ROLE, "core_stamp()", False),
    ]:
        owner.execute(rights, [role, name])
        assert owner.fetchone() == (may,), (role, name)
    for right, may in [("SELECT", True), ("INSERT", False), ("UPDATE", False), ("DELETE", False)]:
        owner.execute("SELECT has_table_privilege(%s, 'core_v', %s)", [settings.SERVING_ROLE, right])
        assert owner.fetchone() == (may,), right


def test_a_file_makes_what_it_is_named_after(tmp_path: Path):
    for text in ("SELECT 1", function("SELECT 1"), function("SELECT 1") + function("SELECT 1").replace("core_f", "g")):
        (tmp_path / "g.sql").write_text(text)
        with pytest.raises(SqlFileError, match="must hold one CREATE OR REPLACE, of g"):
            read_folder("core", tmp_path)


def test_two_files_cannot_make_the_same_function(owner: psycopg.Cursor, tmp_path: Path):
    with pytest.raises(SqlFileError, match="also makes core_f"), transaction.atomic(using="owner"):
        apply(tmp_path, core_f=function("SELECT 1"), compat__core_f=function("SELECT 2"))


def test_a_file_that_is_refused_changes_nothing(owner: psycopg.Cursor, tmp_path: Path):
    apply(tmp_path, core_f=function("SELECT 1"))
    before = {(found.identity, found.definition, found.comment) for found in read_objects(owner)}
    with pytest.raises(DatabaseError, match="no_such_table"):
        apply(tmp_path, core_f=function("SELECT 2"), core_v="CREATE OR REPLACE VIEW core_v AS TABLE no_such_table;")
    assert {(found.identity, found.definition, found.comment) for found in read_objects(owner)} == before


def test_a_function_that_a_check_needs_is_not_pulled_from_under_it(owner: psycopg.Cursor, tmp_path: Path):
    apply(tmp_path, core_f=function("SELECT 1", more="IMMUTABLE"))
    owner.execute("ALTER TABLE core_thing ADD CHECK (core_f(id) = 1)")
    with pytest.raises(InternalError, match="depends on function core_f"):
        apply(tmp_path, core_f=function("SELECT '1'", result="text", more="IMMUTABLE"))
    assert value(owner, "SELECT core_f(1)") == 1


def test_the_record_tells_files_apart_by_text_and_definition():
    file = SqlFile("core/core_f.sql", "FUNCTION", "core_f", "x")
    assert len({file.record("a"), file.record("b"), replace(file, text="y").record("a")}) == 3
