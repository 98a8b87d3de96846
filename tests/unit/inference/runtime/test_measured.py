"""What a batch delivered and took, as quantities of the units that prices are for."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.pricing.domain import Unit
from inference.runtime.adapters import Canceled, Job, JobFailed, Output
from inference.runtime.engine import Result, even_shares, run_batch
from inference.worker.measured import measured

PICTURE = Output(b"", "image/png", 100, 50, steps=7)
RESULT = Result((PICTURE, PICTURE), error=None, canceled_at_step=None, run_seconds=0.5, batch_size=2)


class Canned:
    """Ends each job as its inputs say."""

    def run(self, jobs):
        return [job.inputs["ending"] for job in jobs]


def job(ending):
    return Job(inputs={"ending": ending}, on_step=lambda *_: None, canceled=lambda: False)


def test_pictures_count_in_every_unit():
    assert measured(replace(RESULT, device_microseconds=250_000)) == {
        Unit.IMAGE: 2,
        Unit.REQUEST: 1,
        Unit.MEGAPIXEL: 2 * 5_000,
        Unit.MEGAPIXEL_STEP: 2 * 5_000 * 7,
        Unit.DEVICE_SECOND: 250_000,
    }


def test_a_value_is_about_one_image():
    found = measured(replace(RESULT, outputs=(), value={"score": 0.5}))
    assert (found[Unit.IMAGE], found[Unit.REQUEST], found[Unit.MEGAPIXEL]) == (1, 1, 0)


@pytest.mark.parametrize("ending", [{"error": "no"}, {"canceled_at_step": 3}])
def test_what_did_not_succeed_took_device_time_and_delivered_nothing(ending):
    ended = replace(RESULT, outputs=(), device_microseconds=9, **ending)
    assert measured(ended) == {Unit.DEVICE_SECOND: 9}


@settings(database=None)
@given(total=st.integers(0, 10**12), count=st.integers(1, 64))
def test_shares_add_up_and_differ_by_one_at_most(total: int, count: int):
    shares = even_shares(total, count)
    assert len(shares) == count
    assert sum(shares) == total
    assert max(shares) - min(shares) <= 1


def test_the_jobs_of_a_batch_share_its_run_exactly_however_they_end():
    results = run_batch(Canned(), [job([PICTURE]), job(JobFailed("no")), job(Canceled(2))])
    total = round(results[0].run_seconds * 1_000_000)
    assert sum(result.device_microseconds for result in results) == total
