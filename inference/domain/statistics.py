"""What the figures of models are about."""

from datetime import datetime, timedelta

from marketplace.core.rollups import hour_of

WINDOW = timedelta(days=14)  # of a model's success rate and seconds
MAX_RECENT = 40  # run seconds that a model's plot shows


def window_start(now: datetime) -> datetime:
    """The first hour that the figures include at a moment."""
    return hour_of(now) - WINDOW
