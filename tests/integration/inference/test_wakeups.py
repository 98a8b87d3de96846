"""What is kept in Redis of each prediction."""

import pytest

from inference.services.wakeups import (
    ENDED_PROGRESS_SECONDS,
    PROGRESS_SECONDS,
    client,
    progress_key,
    publish_ends,
    publish_progress,
)
from marketplace.core.ids import new_id

pytestmark = pytest.mark.usefixtures("database")


def test_progress_expires_soon_after_the_end():
    prediction = new_id()
    publish_progress([(prediction, "progress", {"step": 1, "steps": 4})])
    assert ENDED_PROGRESS_SECONDS < client().ttl(progress_key(prediction)) <= PROGRESS_SECONDS
    publish_ends([(prediction, None)])
    assert client().xlen(progress_key(prediction)) == 1
    assert 0 < client().ttl(progress_key(prediction)) <= ENDED_PROGRESS_SECONDS


def test_an_end_without_progress_leaves_nothing():
    prediction = new_id()
    publish_ends([(prediction, None)])
    assert not client().exists(progress_key(prediction))
