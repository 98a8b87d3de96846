from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from marketplace.core.rollups import HOUR, OVERLAP, PORTION, due_from, hour_of, portions

MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2050, 1, 1), timezones=st.just(UTC))


@given(start=MOMENTS.map(hour_of), lasts=st.timedeltas(timedelta(0), timedelta(days=9)))
def test_portions_are_every_hour_once_and_in_order(start: datetime, lasts: timedelta):
    found = list(portions(start, start + lasts))
    assert found[0][0] == start
    assert [end for _, end in found[:-1]] == [first for first, _ in found[1:]]
    assert all(timedelta(0) < end - first <= PORTION for first, end in found)
    assert found[-1][1] == hour_of(start + lasts) + HOUR


def test_an_hour_is_one_of_utc():
    half = timezone(timedelta(hours=5, minutes=30))
    assert hour_of(datetime(2026, 5, 1, 3, 10, tzinfo=half)) == datetime(2026, 4, 30, 21, tzinfo=UTC)


def test_a_table_goes_on_before_its_newest_hour_and_an_empty_one_begins_at_the_oldest_row():
    hour, oldest = datetime(2026, 5, 1, 3, tzinfo=UTC), datetime(2025, 1, 1, 0, 59, tzinfo=UTC)
    assert due_from(newest=hour, oldest=oldest) == hour - OVERLAP
    assert due_from(newest=None, oldest=oldest) == hour_of(oldest)
    assert due_from(newest=None, oldest=None) is None
