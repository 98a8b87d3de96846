"""SQL functions and views stand once, in files `<app>/sql/<name>.sql`; migrating applies those that changed.

A file makes one function or view of its own name by `CREATE OR REPLACE`, for a trigger function with its triggers.
What only the release before still calls stands below `compat/`. The object's comment in the database names the file and
holds a digest of the file's text together with the definition as PostgreSQL tells it. So a changed file is seen, and so
is a definition that somebody changed by hand, and no table of records can disagree with the objects that it is about.
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

from django.apps import apps
from django.db import ProgrammingError, connections, transaction
from django.db.backends.utils import CursorWrapper
from psycopg import errors, sql

from marketplace.core.database import grant_serving_role, run

MAX_LOCK_WAIT_SECONDS = 10  # for a table whose trigger changes; calls queue behind the wait, so it is given up early

_DECLARATION = re.compile(r"^CREATE OR REPLACE (FUNCTION|VIEW) (\w+)", re.MULTILINE)
_CHECKED_WHEN_CREATED = re.compile(r"\bLANGUAGE sql\b|^CREATE OR REPLACE VIEW\b", re.MULTILINE)
_RECORD = re.compile(r"(\S+) [0-9a-f]{64}")

_OBJECTS = """
SELECT 'FUNCTION', p.proname::text, p.oid::regprocedure::text, p.xmin::text, obj_description(p.oid, 'pg_proc'),
       concat_ws(E'\n', pg_get_functiondef(p.oid), (
         SELECT string_agg(concat_ws(' ', pg_get_triggerdef(t.oid), t.tgenabled), E'\n' ORDER BY t.tgname, t.tgrelid)
         FROM pg_trigger t WHERE t.tgfoid = p.oid))
FROM pg_proc p
WHERE p.pronamespace = 'public'::regnamespace AND p.prokind = 'f'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
UNION ALL
SELECT 'VIEW', c.relname::text, c.oid::regclass::text, c.xmin::text, obj_description(c.oid, 'pg_class'),
       concat_ws(' ', pg_get_viewdef(c.oid), c.reloptions)
FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'v'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
"""
_TRIGGERS = """
SELECT tgrelid::regclass::text, tgname::text, xmin::text
FROM pg_trigger WHERE tgfoid = %s::regprocedure AND NOT tgisinternal
"""


class SqlFileError(Exception):
    """A file that does not make just the one function or view that it is named after."""


@dataclass(frozen=True)
class SqlFile:
    """One function or view.

    Attributes:
        path: its app and its place in the app's folder, for example `billing/billing_hold.sql`.
        kind: FUNCTION or VIEW.
    """

    path: str
    kind: str
    name: str
    text: str

    @classmethod
    def read(cls, label: str, folder: Path, path: Path) -> "SqlFile":
        """Raises SqlFileError where the file does not declare one object of its name."""
        text = path.read_text()
        declared = _DECLARATION.findall(text)
        if [name for _, name in declared] != [path.stem]:
            raise SqlFileError(f"{path} must hold one CREATE OR REPLACE, of {path.stem}; it has {declared}")
        ((kind, name),) = declared
        return cls(f"{label}/{path.relative_to(folder).as_posix()}", kind, name, text)

    @property
    def is_compat(self) -> bool:
        """Whether it only stands for callers of the release before, so that no other file needs it."""
        return "/compat/" in self.path

    def record(self, definition: str) -> str:
        """What the object's comment says once this file has made the definition that PostgreSQL tells."""
        return f"{self.path} {hashlib.sha256((self.text + definition).encode()).hexdigest()}"


@dataclass(frozen=True)
class SqlObject:
    """A function or view in the database.

    Attributes:
        identity: what SQL calls it, for a function with its argument types.
        row_version: of its catalogue row; a function that was just replaced has a new one.
        definition: with its triggers, as PostgreSQL tells it.
    """

    kind: str
    name: str
    identity: str
    row_version: str
    comment: str | None
    definition: str

    @property
    def path(self) -> str | None:
        """The file that made it, or None: a release that kept no files did, or somebody by hand."""
        found = _RECORD.fullmatch(self.comment or "")
        return found[1] if found else None


def read_folder(label: str, folder: Path) -> list[SqlFile]:
    """All files of an app's folder. Raises SqlFileError."""
    return [SqlFile.read(label, folder, path) for path in sorted(folder.rglob("*.sql"))]


def read_files() -> list[SqlFile]:
    """The files of all installed apps. Raises SqlFileError."""
    return [file for config in apps.get_app_configs() for file in read_folder(config.label, Path(config.path) / "sql")]


def read_objects(cursor: CursorWrapper) -> list[SqlObject]:
    """All functions and views of the schema, those of extensions left out."""
    cursor.execute(_OBJECTS)
    return [SqlObject(*row) for row in cursor.fetchall()]


def apply_files(files: Sequence[SqlFile]) -> list[str]:
    """Make the database's functions, views, triggers and grants those of the files, all or nothing.

    Returns the paths of the files that were applied, as they differed from what the database had.

    Raises:
        SqlFileError: a file makes something else than it is named after.
        DatabaseError: PostgreSQL refused one, or a table stayed locked; nothing has changed.
    """
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{MAX_LOCK_WAIT_SECONDS}s'")
        before, made, changed = read_objects(cursor), dict[str, str](), list[str]()
        for file in _in_order(files):
            identity = next((found.identity for found in before if _is_applied(file, found)), None)
            if identity is None:
                identity = _apply(cursor, file, kept={other.path for other in files if other is not file})
                changed.append(file.path)
            if identity in made:
                raise SqlFileError(f"{file.path} also makes {identity}, as {made[identity]} does")
            made[identity] = file.path
        _remove_others(cursor, files, kept=made.keys())
        grant_serving_role(cursor)
    return changed


def _is_applied(file: SqlFile, found: SqlObject) -> bool:
    return found.path == file.path and found.comment == file.record(found.definition)


def _in_order(files: Sequence[SqlFile]) -> Iterable[SqlFile]:
    """Views and functions in SQL after what they name: PostgreSQL looks that up when it creates them."""
    by_path = {file.path: file for file in files}
    needs = {file.path: _needs(file, files) for file in files}
    return [by_path[path] for path in TopologicalSorter(needs).static_order()]


def _needs(file: SqlFile, files: Sequence[SqlFile]) -> list[str]:
    if not _CHECKED_WHEN_CREATED.search(file.text):
        return []
    words = set(re.findall(r"\w+", file.text))
    return [other.path for other in files if other is not file and other.name in words and not other.is_compat]


def _apply(cursor: CursorWrapper, file: SqlFile, *, kept: set[str]) -> str:
    """Run one file, record it and return the identity of what it made.

    Functions of its name that the files `kept` made stay.
    """
    before = _named(cursor, file)
    triggers = {trigger for found in before for trigger in _triggers(cursor, found)}
    try:
        with transaction.atomic(using="owner"):
            cursor.execute(file.text)
    except ProgrammingError as error:
        if not isinstance(error.__cause__, errors.InvalidFunctionDefinition | errors.InvalidTableDefinition):
            raise
        # Another result, or other names of arguments or columns: that replaces nothing, so what is there goes first.
        for found in before:
            if found.path not in kept:
                _drop(cursor, found)
        cursor.execute(file.text)
    made = _made(file, before, _named(cursor, file))
    for table, name, _ in triggers.intersection(_triggers(cursor, made)):  # the file left them as they were
        _drop_trigger(cursor, table, name)
    _record(cursor, file, made.identity)
    return made.identity


def _made(file: SqlFile, before: Iterable[SqlObject], after: Iterable[SqlObject]) -> SqlObject:
    """The one object that a file made: the view of its name, or the function that has a new row in the catalogue."""
    known = {(found.identity, found.row_version) for found in before}
    made = [found for found in after if file.kind == "VIEW" or (found.identity, found.row_version) not in known]
    if len(made) != 1:
        raise SqlFileError(f"{file.path} must make one function or view, not {[found.identity for found in made]}")
    return made[0]


def _record(cursor: CursorWrapper, file: SqlFile, identity: str) -> None:
    (made,) = (found for found in read_objects(cursor) if found.identity == identity)
    comment = sql.SQL("COMMENT ON {} {} IS {}")
    run(cursor, comment.format(sql.SQL(file.kind), sql.SQL(identity), sql.Literal(file.record(made.definition))))


def _remove_others(cursor: CursorWrapper, files: Sequence[SqlFile], *, kept: Collection[str]) -> None:
    """Drop what no file makes any more: its file is gone, or it has a file's name with other argument types.

    So are functions that begin with an app's label: 0.1.0 kept no record of those that it made.
    """
    names = {(file.kind, file.name) for file in files}
    labels = {config.label for config in apps.get_app_configs()}
    others = [
        found
        for found in read_objects(cursor)
        if found.identity not in kept
        and (
            found.path is not None
            or (found.kind, found.name) in names
            or (found.kind == "FUNCTION" and found.name.partition("_")[0] in labels)
        )
    ]
    for found in sorted(others, key=lambda found: found.kind, reverse=True):  # views first, they may use functions
        _drop(cursor, found)


def _named(cursor: CursorWrapper, file: SqlFile) -> list[SqlObject]:
    return [found for found in read_objects(cursor) if (found.kind, found.name) == (file.kind, file.name)]


def _triggers(cursor: CursorWrapper, found: SqlObject) -> list[tuple[str, str, str]]:
    """Table, name and version of the catalogue's row of each trigger that runs a function."""
    if found.kind != "FUNCTION":
        return []
    cursor.execute(_TRIGGERS, [found.identity])
    triggers: list[tuple[str, str, str]] = cursor.fetchall()
    return triggers


def _drop(cursor: CursorWrapper, found: SqlObject) -> None:
    """Without CASCADE: whatever else depends on it is named by the error, and everything stays as it was."""
    for table, name, _ in _triggers(cursor, found):
        _drop_trigger(cursor, table, name)
    run(cursor, sql.SQL("DROP {} {}").format(sql.SQL(found.kind), sql.SQL(found.identity)))


def _drop_trigger(cursor: CursorWrapper, table: str, name: str) -> None:
    run(cursor, sql.SQL("DROP TRIGGER {} ON {}").format(sql.Identifier(name), sql.SQL(table)))
