"""Pages of long lists, by a key in the address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest

from marketplace.core import paging
from marketplace.core.paging import BadCursor, Key, Row
from marketplace.web.shared.forms import query_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True)
class ShownPage(Generic[Row]):
    """A page for `components/pagination.html`.

    Attributes:
        previous, next: queries of the addresses of the pages beside it, with the rest of this address' query.
        total: how many rows the list has, in words: exact up to a thousand.
    """

    rows: list[Row]
    previous: str | None
    next: str | None
    total: str

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def has_others(self) -> bool:
        """Whether the list has further pages."""
        return bool(self.previous or self.next)


def page_of(request: HttpRequest, rows: QuerySet[Row], *, key: Key, size: int, name: str = "page") -> ShownPage[Row]:
    """The page that the address names; the first if it names none, or none of this list.

    Args:
        key, size: as `core.paging.page_of`.
        name: of the query's parameter; pages with several lists have one for each.
    """
    query = query_of(request)
    cursor = query.get(name, "")
    try:
        page = paging.page_of(rows, key=key, size=size, cursor=cursor)
    except BadCursor:
        page = paging.page_of(rows, key=key, size=size)
    return ShownPage(
        rows=list(page),
        previous=_address(query | {name: page.previous}) if page.previous else None,
        next=_address(query | {name: page.next}) if page.next else None,
        total=paging.count_text(paging.count_of(rows)),
    )


def _address(query: Mapping[str, str]) -> str:
    return f"?{urlencode(query)}"
