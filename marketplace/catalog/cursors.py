"""Cursors: where a page of a sorted list begins, as an opaque text for addresses. Pure functions."""

import base64
import math
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from marketplace.core.problems import FieldError, Invalid

MAX_CURSOR_LENGTH = 400
MAX_INTEGER = 2**63

Value = int | float | datetime


class NoSuchPage(Invalid):
    """The cursor is none that another page gave, or belongs to another order."""

    def __init__(self) -> None:
        wrong = FieldError("cursor", "must be one that another page of the same list gave")
        super().__init__("There is no such page", errors=[wrong])


@dataclass(frozen=True)
class Cursor:
    """A place in a list: just after the row with this value and id, or just before it.

    Attributes:
        sort: the order that it belongs to.
        value: of the column that the list is sorted by.
    """

    sort: str
    value: Value
    id: uuid.UUID
    is_backward: bool = False

    def __str__(self) -> str:
        value = self.value.isoformat() if isinstance(self.value, datetime) else self.value
        text = repr(value) if isinstance(value, float) else str(value)
        document = orjson.dumps([self.sort, text, self.id.hex, int(self.is_backward)])
        return base64.urlsafe_b64encode(document).decode().rstrip("=")


def read_cursor(text: str, *, kinds: Mapping[str, type]) -> Cursor:
    """The cursor of an address.

    Args:
        kinds: the type of the sorted column, by the name of the order.

    Raises:
        NoSuchPage: it is not one that `Cursor` wrote.
    """
    try:
        if len(text) > MAX_CURSOR_LENGTH:
            raise ValueError
        document = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        sort, value, id_, backward = orjson.loads(document)
        found = Cursor(sort, _READERS[kinds[sort]](value), uuid.UUID(hex=id_), bool(backward))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        raise NoSuchPage from None
    if str(found) != text:  # each cursor has one spelling only
        raise NoSuchPage
    return found


def _integer(text: str) -> int:
    value = int(text)
    if not -MAX_INTEGER <= value < MAX_INTEGER:
        raise ValueError
    return value


def _float(text: str) -> float:
    value = float(text)
    if math.isnan(value):
        raise ValueError
    return value


def _moment(text: str) -> datetime:
    value = datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise ValueError
    return value


_READERS: Mapping[type, Callable[[Any], Value]] = {
    int: _integer,
    float: _float,
    datetime: _moment,
}
