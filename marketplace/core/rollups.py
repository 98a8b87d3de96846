"""Which hours a rollup recomputes: a table with a row for each hour (UTC) that is made from rows with a time.

The tables themselves say how far they are, so that no record of runs can disagree with them.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

HOUR = timedelta(hours=1)
OVERLAP = HOUR  # before the newest hour that has a row: rows may be committed that long after their time
PORTION = timedelta(days=1)  # of one transaction


def hour_of(moment: datetime) -> datetime:
    """The beginning of the hour (UTC) that a moment is in."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def due_from(*, newest: datetime | None, oldest: datetime | None) -> datetime | None:
    """From which hour on to recompute; None: there is nothing to roll up.

    Args:
        newest: the newest hour that has a row; None: the table is empty, so it is built from its beginning.
        oldest: the time of the oldest row that it is made from; None: there is none.
    """
    if newest is not None:
        return newest - OVERLAP
    return hour_of(oldest) if oldest is not None else None


def portions(start: datetime, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The hours from `start` to that of `now`, in portions (from, until before), oldest first.

    In this order the newest row always says how far an interrupted build has come.
    """
    end = hour_of(now) + HOUR
    while start < end:
        yield start, min(start + PORTION, end)
        start += PORTION
