"""Pages by key: each row once, however rows come and go in between."""

import secrets
from collections.abc import Sequence

import pytest
from django.test import RequestFactory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.core import paging
from marketplace.core.models import InboxMessage
from marketplace.core.paging import BadCursor, count_of, count_text, page_of
from marketplace.web.shared.paging import page_of as shown_page

pytestmark = pytest.mark.usefixtures("database")
KEYS = [("-id",), ("id",), ("recipients", "id"), ("-recipients", "id"), ("recipients", "-id"), ("-created_at", "-id")]
ODD = ["x", "\0", "é", "a" * 3_000, "eyJ:", "WzEsMl0:abc", "..", "1"]


def make(texts: Sequence[str]) -> str:
    """Messages to these recipients, with a subject of their own."""
    subject = secrets.token_hex(8)
    InboxMessage.objects.bulk_create([InboxMessage(recipients=text, subject=subject, body="") for text in texts])
    return subject


def walk(subject: str, key: Sequence[str], size: int, *, back: bool = False, cursor: str = "") -> list[int]:
    """The ids of the rows of a page and of all pages after it, or before it, in the list's order."""
    rows, found, at = InboxMessage.objects.filter(subject=subject), [], cursor
    while True:
        page = page_of(rows, key=key, size=size, cursor=at)
        ids = [row.pk for row in page]
        found = ids + found if back else found + ids
        following = page.previous if back else page.next
        if following is None:
            return found
        at = following


@pytest.mark.parametrize("key", KEYS, ids="/".join)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.sampled_from(["", "A", "a", "b", "ä"]), max_size=14), size=st.integers(1, 5))
def test_the_pages_are_the_list_in_both_directions(key: Sequence[str], texts: list[str], size: int):
    subject = make(texts)
    rows = InboxMessage.objects.filter(subject=subject)
    expected = list(rows.order_by(*key).values_list("pk", flat=True))
    assert walk(subject, key, size) == expected
    cursor, last = "", page_of(rows, key=key, size=size)
    while last.next:
        cursor, last = last.next, page_of(rows, key=key, size=size, cursor=last.next)
    before = walk(subject, key, size, back=True, cursor=last.previous or "")
    assert [*before, *(row.pk for row in last if last.previous)] == expected
    assert (last.previous is None) == (cursor == "")


def test_rows_added_in_between_neither_repeat_nor_hide_others():
    subject = make(["a"] * 9)
    rows = InboxMessage.objects.filter(subject=subject)
    expected = list(rows.order_by("-id").values_list("pk", flat=True))
    first = page_of(rows, key=("-id",), size=3)
    InboxMessage.objects.bulk_create([InboxMessage(recipients="new", subject=subject, body="") for _ in range(5)])
    assert [row.pk for row in first] + walk(subject, ("-id",), 3, cursor=first.next or "") == expected


def test_a_place_that_was_deleted_is_still_a_place():
    subject = make(["a"] * 6)
    rows = InboxMessage.objects.filter(subject=subject)
    first = page_of(rows, key=("-id",), size=2)
    rest = list(rows.order_by("-id").values_list("pk", flat=True))[2:]
    first.rows[-1].delete()
    assert walk(subject, ("-id",), 2, cursor=first.next or "") == rest


def test_where_a_page_and_what_followed_are_gone_the_first_is_shown():
    subject = make(["a"] * 4)
    rows = InboxMessage.objects.filter(subject=subject)
    first = page_of(rows, key=("-id",), size=2)
    rows.filter(pk__lt=first.rows[-1].pk).delete()
    page = page_of(rows, key=("-id",), size=2, cursor=first.next or "")
    assert ([row.pk for row in page], page.previous, page.next) == ([row.pk for row in first], None, None)


@pytest.mark.parametrize("cursor", ODD)
def test_a_cursor_that_the_list_never_gave_is_refused(cursor: str):
    with pytest.raises(BadCursor):
        page_of(InboxMessage.objects.all(), key=("-id",), size=2, cursor=cursor)


def test_a_cursor_of_another_list_is_refused():
    subject = make(["a"] * 4)
    rows = InboxMessage.objects.filter(subject=subject)
    other = page_of(rows, key=("recipients", "id"), size=2).next or ""
    with pytest.raises(BadCursor):
        page_of(rows, key=("-id",), size=2, cursor=other)


@pytest.mark.parametrize("cursor", ODD)
def test_on_a_page_a_bad_cursor_is_the_first_page(cursor: str):
    subject = make(["a"] * 4)
    request = RequestFactory().get("/x", {"page": cursor, "open": ""})
    page = shown_page(request, InboxMessage.objects.filter(subject=subject), key=("-id",), size=3)
    assert (len(page), page.previous, page.total) == (3, None, "4")
    assert page.next is not None
    assert page.next.startswith("?page=")
    assert page.next.endswith("&open=")


def test_counts_are_exact_to_a_thousand():
    subject = make(["a"] * (paging.MAX_COUNTED + 3))
    rows = InboxMessage.objects.filter(subject=subject)
    ids = list(rows.order_by("id").values_list("pk", flat=True))
    found = [count_text(count_of(rows.filter(pk__in=ids[:many]))) for many in (0, 1, 999, 1_000, 1_001, 1_003)]
    assert found == ["0", "1", "999", "1,000", "1,000+", "1,000+"]
    rows.delete()
