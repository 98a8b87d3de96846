"""Cursors of pages: what they say, and what is none."""

import base64
import uuid
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.catalog.cursors import Cursor, NoSuchPage, read_cursor

KINDS = {"popular": int, "fastest": float, "newest": datetime}
VALUES = {
    "popular": st.integers(-(2**63), 2**63 - 1),
    "fastest": st.floats(allow_nan=False),
    "newest": st.datetimes(timezones=st.just(UTC)),
}


@given(st.sampled_from(list(KINDS)), st.data(), st.uuids(), st.booleans())
def test_a_cursor_reads_as_it_was_written(sort: str, data: st.DataObject, id_: uuid.UUID, is_backward: bool):
    cursor = Cursor(sort, data.draw(VALUES[sort]), id_, is_backward)
    assert read_cursor(str(cursor), kinds=KINDS) == cursor
    assert str(cursor).isascii()


def spelled(*document: object) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(document)).decode().rstrip("=")


@pytest.mark.parametrize(
    "text",
    ["", "x", "\0", "ü", "x" * 10_000, "=", spelled(), spelled("popular", "1"), spelled(1, 2, 3, 4)]
    + [spelled("popular", value, "0" * 32, 0) for value in ("x", 1, None, "1.0", "01", str(2**63), [], "9" * 300)]
    + [spelled("fastest", value, "0" * 32, 0) for value in ("nan", "NaN", "1e999x", "1")]
    + [spelled("newest", value, "0" * 32, 0) for value in ("2026-01-01", "2026-01-01T00:00:00", "x")]
    + [spelled("other", "1", "0" * 32, 0), spelled([], "1", "0" * 32, 0)]
    + [spelled("popular", "1", id_, 0) for id_ in ("0", 1, "z" * 32, "{" + "0" * 32 + "}")]
    + [spelled("popular", "1", "0" * 32, flag) for flag in (2, "x", None, True)],
)
def test_anything_else_is_no_cursor(text: str):
    with pytest.raises(NoSuchPage):
        read_cursor(text, kinds=KINDS)


@given(st.text())
def test_no_text_makes_it_fail(text: str):
    with pytest.raises(NoSuchPage):
        read_cursor(text, kinds=KINDS)
