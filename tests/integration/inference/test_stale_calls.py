"""Calls that no node claims end before their holds expire; and finalisers with refused results."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage
from django.utils import timezone

from billing.ledger.models import Hold
from inference.domain.lifecycle import MAX_WAIT_HOURS, NEVER_STARTED, NOT_BILLED_REASONS, Status
from inference.models import Prediction
from inference.runtime.adapters.base import Output
from inference.runtime.engine import Result
from inference.services.recovery import give_up
from inference.worker.claims import Ended
from inference.worker.finaliser import Finaliser, Finished
from inference.worker.work import WorkInHand
from marketplace.core.storage import BlobStore, blob_store
from tests.support.inference_market import (
    PRICE,
    balance_of_buyer,
    call,
    claim_all,
    make_buyer,
    make_node,
    make_priced_model,
    row,
    status_of,
    succeeded,
)
from tests.support.ledger import assert_ledger_consistent

pytestmark = pytest.mark.usefixtures("database")


def test_predictions_waiting_too_long_fail_for_free():
    buyer, model = make_buyer(), make_priced_model()
    stale, fresh, running = (call(buyer, model) for _ in range(3))
    longest = timedelta(hours=MAX_WAIT_HOURS, minutes=1)
    Prediction.objects.filter(pk__in=[stale, running]).update(created_at=timezone.now() - longest)
    Prediction.objects.filter(pk=running).update(status=Status.PROCESSING)

    assert give_up() == 1
    assert give_up() == 0

    ended = row(stale)
    assert (ended.status, ended.error, ended.not_billed_reason) == (
        Status.FAILED,
        NEVER_STARTED,
        NOT_BILLED_REASONS[Status.FAILED],
    )
    assert ended.amount_charged == 0
    assert Hold.objects.get(pk=stale).state == "voided"
    assert (status_of(fresh), status_of(running)) == (Status.STARTING, Status.PROCESSING)
    assert_ledger_consistent()


def test_a_result_that_the_database_refuses_fails_alone():
    buyer, model, node = make_buyer(), make_priced_model(), make_node()
    good, unrated = call(buyer, model), call(buyer, model)
    work = WorkInHand()
    claimed = claim_all(model, node)
    work.add((one.id, one.attempt) for one in claimed)
    results = {one.id: succeeded(one) for one in claimed}
    without_quantity = vars(results[unrated]) | {"quantities": {}}
    finaliser = Finaliser(work, store=blob_store())
    finaliser.put_all([results[good], Ended(**without_quantity)])

    finaliser.turn()

    assert finaliser.is_idle()
    assert work.predictions() == []
    assert (status_of(good), status_of(unrated)) == (Status.SUCCEEDED, Status.FAILED)
    assert row(unrated).error == "The result could not be saved."
    assert balance_of_buyer(buyer).held == 0
    assert_ledger_consistent()


def test_a_result_is_kept_while_the_store_is_unavailable(tmp_path: Path):
    buyer, model, node = make_buyer(), make_priced_model(), make_node()
    id_ = call(buyer, model)
    work = WorkInHand()
    (claimed,) = claim_all(model, node)
    work.add([(claimed.id, claimed.attempt)])
    picture = Output(b"a picture", "image/png", 1, 1)
    result = Result((picture,), error=None, canceled_at_step=None, run_seconds=0.1, batch_size=1)
    folder = tmp_path / "blobs"
    folder.write_bytes(b"")  # a file where the store's folder should be
    finaliser = Finaliser(work, store=BlobStore(FileSystemStorage(location=folder), folder=folder))
    finaliser.put_all([Finished(claimed, result, load_seconds=0.0)])

    with pytest.raises(FileExistsError):
        finaliser.turn()
    assert not finaliser.is_idle()
    assert status_of(id_) == Status.PROCESSING

    folder.unlink()
    finaliser.turn()

    assert finaliser.is_idle()
    assert (status_of(id_), row(id_).amount_charged) == (Status.SUCCEEDED, PRICE)
    assert work.predictions() == []
    assert_ledger_consistent()
