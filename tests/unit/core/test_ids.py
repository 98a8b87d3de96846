"""Identifiers: UUIDs of version 7 inside, 26 characters of base32 outside."""

import time
import uuid

from hypothesis import given
from hypothesis import strategies as st

from marketplace.core.ids import SHORT_LENGTH, new_id, parse_short, short


@given(st.uuids())
def test_a_short_id_leads_back_to_its_uuid(value: uuid.UUID):
    text = short(value)
    assert len(text) == SHORT_LENGTH
    assert set(text) <= set("0123456789abcdefghijklmnopqrstuv")
    assert parse_short(text) == value


@given(st.uuids(), st.uuids())
def test_short_ids_keep_the_order_of_their_uuids(one: uuid.UUID, other: uuid.UUID):
    assert (short(one) < short(other)) == (one < other)


@given(st.text(max_size=40) | st.text(alphabet="0123456789abcdefghijklmnopqrstuvABCV=ıſ", min_size=26, max_size=26))
def test_no_other_text_stands_for_an_id(text: str):
    value = parse_short(text)
    assert value is None or short(value) == text


def test_an_id_has_one_spelling_only():
    text = short(uuid.UUID(int=0x1234_5678_9ABC_DEF0_1234_5678_9ABC_DEF0))
    assert parse_short(text.upper()) is None
    assert parse_short(text[:-1] + "1") is None, "the last two bits carry nothing and must be zero"
    assert parse_short("ı" + text[1:]) is None, "a letter whose upper case is an ASCII letter"
    assert parse_short(text + "=") is None
    assert parse_short("") is None


def test_new_ids_are_of_version_7_and_later_ones_sort_later():
    ids = []
    for _ in range(20):
        ids.append(new_id())
        time.sleep(0.0015)
    assert ids == sorted(ids)
    assert {(one.version, one.variant) for one in ids} == {(7, uuid.RFC_4122)}
    assert abs((ids[-1].int >> 80) - time.time_ns() // 1_000_000) < 1_000


def test_ids_of_one_millisecond_differ():
    assert len({new_id() for _ in range(10_000)}) == 10_000
