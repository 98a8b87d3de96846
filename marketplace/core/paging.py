"""Pages of long lists, by key: a page begins where the one before it ended, so that every page costs the same.

Rows that are added or deleted meanwhile neither repeat nor hide others. A cursor is opaque and signed for its list;
where a caller sends another, the list says `BadCursor`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from django.core.signing import BadSignature, Signer
from django.db.models import Model, Q, QuerySet

if TYPE_CHECKING:
    from collections.abc import Iterator

Row = TypeVar("Row", bound=Model)
Key = Sequence[str]
MAX_COUNTED = 1_000
MAX_CURSOR_LENGTH = 1_000


class BadCursor(Exception):
    """The cursor is not one that this list gave."""


@dataclass(frozen=True)
class Page(Generic[Row]):
    """A page's rows, and the cursors of the pages beside it; None where there is none."""

    rows: Sequence[Row]
    previous: str | None
    next: str | None

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


def page_of(rows: QuerySet[Row], *, key: Key, size: int, cursor: str = "") -> Page[Row]:
    """One page of a list; the first without a cursor, or where its neighbours are gone.

    Args:
        key: the fields that order the list, `-` before a descending one. None is null, and together they are unique.
        size: the most rows of a page.

    Raises:
        BadCursor: this list never gave that cursor.
    """
    signer = Signer(salt=f"page:{rows.model._meta.label}:{','.join(key)}")
    back, place = _read(signer, cursor) if cursor else (False, None)
    order = [_reversed(name) for name in key] if back else list(key)
    beyond = rows.order_by(*order) if place is None else rows.order_by(*order).filter(_beyond(order, place))
    found = list(beyond[: size + 1])
    more = len(found) > size
    if place is not None and (not found or (back and not more)):
        return page_of(rows, key=key, size=size)
    shown = found[:size][::-1] if back else found[:size]
    place_of = _place_of(key)
    return Page(
        rows=shown,
        previous=_write(signer, place_of(shown[0]), back=True) if (more if back else place is not None) else None,
        next=_write(signer, place_of(shown[-1]), back=False) if back or more else None,
    )


def count_of(rows: QuerySet[Any]) -> int:
    """How many rows there are, counted up to one more than `MAX_COUNTED`."""
    return rows.order_by()[: MAX_COUNTED + 1].count()


def count_text(count: int) -> str:
    """A count of `count_of` for people: exact up to `MAX_COUNTED`, then "1,000+"."""
    return f"{MAX_COUNTED:,}+" if count > MAX_COUNTED else f"{count:,}"


def _read(signer: Signer, cursor: str) -> tuple[bool, list[Any]]:
    try:
        if len(cursor) > MAX_CURSOR_LENGTH:
            raise BadCursor
        back, place = signer.unsign_object(cursor)
    except BadSignature:
        raise BadCursor from None
    return back, place


def _write(signer: Signer, place: list[Any], *, back: bool) -> str:
    return signer.sign_object([back, place])


def _place_of(key: Key) -> Any:
    """A function that gives a row's values of the key, in types that JSON has."""
    fields = [attrgetter(name.removeprefix("-").replace("__", ".")) for name in key]
    return lambda row: [value if isinstance(value := field(row), int) else str(value) for field in fields]


def _reversed(name: str) -> str:
    return name.removeprefix("-") if name.startswith("-") else f"-{name}"


def _beyond(order: Key, place: Sequence[Any]) -> Q:
    """What comes after a place in an order. The first field is compared once more, so that an index can start there."""
    condition = Q()
    for name, value in reversed(list(zip(order, place, strict=True))):
        field, side = name.removeprefix("-"), "lt" if name.startswith("-") else "gt"
        past = Q(**{f"{field}__{side}": value})
        condition = past | Q(Q(**{field: value}), condition) if condition else past
    first, side = order[0].removeprefix("-"), "lte" if order[0].startswith("-") else "gte"
    return condition if len(order) == 1 else Q(**{f"{first}__{side}": place[0]}) & condition
