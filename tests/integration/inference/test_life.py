"""The life of a prediction in SQL, without a node: the test claims and completes."""

import hashlib
import random
from dataclasses import replace
from functools import partial

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from billing.ledger.models import Hold, UsageRecord
from billing.outcomes.services.expiry import expire_holds
from inference.domain.lifecycle import MAX_ATTEMPTS, NOT_BILLED_REASONS, Status
from inference.models import Artifact, Prediction
from inference.selectors import prediction_for_buyer
from inference.services.cancel import cancel
from inference.services.receipts import receipt_of
from inference.services.recovery import take_back
from inference.worker.claims import Ended, complete, renew
from marketplace.core.ids import new_id
from marketplace.core.models import OutboxEvent
from marketplace.core.problems import NotFound
from tests.support.concurrency import MAX_CONCURRENT_CALLS, run_concurrently
from tests.support.inference_market import (
    CREDIT,
    balance_of_buyer,
    call,
    claim_all,
    expire_lease,
    make_buyer,
    make_node,
    make_priced_model,
    row,
    status_of,
    succeeded,
)
from tests.support.ledger import assert_ledger_consistent, assert_split

pytestmark = pytest.mark.usefixtures("database")

LATE = "the hold had expired before the result came"


def snapshot(id_: object) -> tuple[object, ...]:
    """Everything that is stored of a prediction and its hold."""
    return (
        Prediction.objects.filter(pk=id_).values_list().get(),
        Hold.objects.filter(pk=id_).values_list().get(),
        list(Artifact.objects.filter(prediction=id_).values_list()),
        list(UsageRecord.objects.filter(hold=id_).values_list()),
    )


def completions_of(id_: object) -> list[str]:
    events = OutboxEvent.objects.filter(topic="prediction.completed", payload__id=str(id_)).order_by("id")
    return [event.payload["status"] for event in events]


def test_a_prediction_is_admitted_claimed_completed_and_settled_once():
    buyer, sale = make_buyer(), make_priced_model()
    id_ = call(buyer, sale, num_outputs=2)
    (claimed,) = claim_all(sale, make_node())
    ended = replace(succeeded(claimed), run_seconds=1.5, batch_size=1, load_seconds=0.0)
    assert complete([ended]) == [(id_, None)]
    after = snapshot(id_)
    assert complete([ended]) == []
    assert snapshot(id_) == after

    view = prediction_for_buyer(buyer.organization.pk, id_)
    assert (view.status, view.amount_charged, view.not_billed_reason, len(view.artifacts)) == (
        Status.SUCCEEDED,
        8_000,
        "",
        2,
    )
    assert (view.run_seconds, view.batch_size, view.attempt) == (1.5, 1, 1)
    assert (balance_of_buyer(buyer).posted, balance_of_buyer(buyer).held, sale.earned) == (CREDIT - 8_000, 0, 7_200)
    assert_split(id_, charge=8_000, fee_bps=1_000)
    assert completions_of(id_) == ["succeeded"]
    assert_ledger_consistent()


def test_a_value_is_stored_settled_and_signed():
    buyer, sale = make_buyer(), make_priced_model()
    id_, other = call(buyer, sale), call(buyer, sale)
    first, second = sorted(claim_all(sale, make_node()), key=lambda one: one.id)
    value = {"score": 0.25, "words": ["é", None]}
    assert sorted(complete([replace(succeeded(first), artifacts=[], value=value), succeeded(second)])) == [
        (id_, None),
        (other, None),
    ]
    view = prediction_for_buyer(buyer.organization.pk, id_)
    assert (view.status, view.value, view.artifacts, view.amount_charged) == (Status.SUCCEEDED, value, (), 4_000)
    assert prediction_for_buyer(buyer.organization.pk, other).value is None
    payload = receipt_of(view)["payload"]
    digest = hashlib.sha256('{"score":0.25,"words":["é",null]}'.encode()).hexdigest()
    assert (payload["outputs"], payload["quantity"], payload["charged"]) == ([f"sha256:{digest}"], 1, "0.004000")
    assert_ledger_consistent()


def test_only_what_was_delivered_is_charged():
    buyer, sale = make_buyer(), make_priced_model()
    id_ = call(buyer, sale, num_outputs=4)
    (claimed,) = claim_all(sale, make_node())
    complete([succeeded(claimed, delivered=3)])
    assert (row(id_).amount_held, row(id_).amount_charged) == (16_000, 12_000)
    assert (balance_of_buyer(buyer).posted, balance_of_buyer(buyer).held) == (CREDIT - 12_000, 0)
    assert UsageRecord.objects.get(hold=id_).quantity == 3
    assert_ledger_consistent()


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELED])
def test_failed_and_canceled_predictions_are_free(status: Status):
    buyer, sale = make_buyer(), make_priced_model()
    id_ = call(buyer, sale)
    (claimed,) = claim_all(sale, make_node())
    complete([Ended(id_, claimed.attempt, status, error="it broke", not_billed_reason=NOT_BILLED_REASONS[status])])
    stored = row(id_)
    assert (stored.status, stored.error, stored.amount_charged) == (status, "it broke", 0)
    assert stored.not_billed_reason == NOT_BILLED_REASONS[status]
    assert Hold.objects.get(pk=id_).state == "voided"
    assert (balance_of_buyer(buyer).posted, balance_of_buyer(buyer).held, sale.earned) == (CREDIT, 0, 0)
    assert not UsageRecord.objects.filter(hold=id_).exists()
    assert completions_of(id_) == [status]
    receipt = receipt_of(prediction_for_buyer(buyer.organization.pk, id_))
    assert (receipt["payload"]["charged"], receipt["payload"]["not_billed"]) == ("0.000000", NOT_BILLED_REASONS[status])
    assert_ledger_consistent()


def test_a_late_attempt_ends_and_settles_nothing():
    buyer, sale = make_buyer(), make_priced_model()
    id_ = call(buyer, sale)
    (first,) = claim_all(sale, make_node())
    expire_lease(id_)
    take_back()
    waiting = snapshot(id_)
    assert complete([succeeded(first)]) == []
    assert snapshot(id_) == waiting
    (second,) = claim_all(sale, make_node())
    assert (first.attempt, second.attempt) == (1, 2)
    running = snapshot(id_)
    assert complete([succeeded(first)]) == []
    assert snapshot(id_) == running
    assert complete([succeeded(second)]) == [(id_, None)]
    assert complete([succeeded(first)]) == []
    assert (balance_of_buyer(buyer).posted, balance_of_buyer(buyer).held) == (CREDIT - 4_000, 0)
    assert completions_of(id_) == ["succeeded"]
    assert_ledger_consistent()


@pytest.mark.parametrize("late_first", [True, False])
def test_of_two_attempts_in_one_batch_the_current_one_counts(late_first: bool):
    """A node that was disconnected may send two results: of a lost claim and of its next one."""
    buyer, sale, node = make_buyer(), make_priced_model(), make_node()
    id_, other = call(buyer, sale), call(buyer, sale)
    late = next(one for one in claim_all(sale, node) if one.id == id_)
    expire_lease(id_)
    take_back()
    (current,) = claim_all(sale, node)
    stale = Ended(id_, late.attempt, Status.FAILED, error="stale", not_billed_reason="stale")
    results = [succeeded(current), stale]
    assert complete(reversed(results) if late_first else results) == [(id_, None)]
    stored = row(id_)
    assert (stored.status, stored.error, stored.not_billed_reason, stored.amount_charged) == (
        Status.SUCCEEDED,
        "",
        "",
        4_000,
    )
    assert status_of(other) is Status.PROCESSING
    assert completions_of(id_) == ["succeeded"]
    assert (balance_of_buyer(buyer).posted, balance_of_buyer(buyer).held) == (CREDIT - 4_000, 4_000)
    assert_ledger_consistent()


def test_the_same_result_twice_in_a_batch_counts_once():
    buyer, sale = make_buyer(), make_priced_model()
    id_, other = call(buyer, sale), call(buyer, sale, width=64)
    (claimed,) = claim_all(sale, make_node())
    failed = Ended(id_, claimed.attempt, Status.FAILED, error="x", not_billed_reason="x")
    assert complete([failed, failed]) == [(id_, None)]
    assert completions_of(id_) == ["failed"]
    assert (balance_of_buyer(buyer).posted, balance_of_buyer(buyer).held) == (CREDIT, 4_000)
    assert status_of(other) is Status.STARTING
    assert_ledger_consistent()


@pytest.mark.parametrize("quantities", [{}, {"megapixel": 1_000_000}, {"image": -1}, {"image": 1.5}, {"image": None}])
def test_a_result_without_what_its_price_is_for_ends_nothing(quantities: dict[str, object]):
    buyer, sale, node = make_buyer(), make_priced_model(), make_node()
    first, second = call(buyer, sale), call(buyer, sale)
    good, bad = sorted(claim_all(sale, node), key=lambda one: one.id)
    before = snapshot(first), snapshot(second)
    with pytest.raises(DatabaseError, match='"image"') as refused:
        complete([succeeded(good), replace(succeeded(bad), quantities=quantities)])  # type: ignore[arg-type]
    assert refused.value.__cause__.sqlstate == "BO422"  # type: ignore[union-attr]
    assert (snapshot(first), snapshot(second)) == before
    assert complete([succeeded(good)]) == [(first, None)]
    assert_ledger_consistent()


def test_a_prediction_is_requeued_twice_then_fails_for_free():
    buyer, sale = make_buyer(), make_priced_model()
    id_ = call(buyer, sale)
    for attempt in range(1, MAX_ATTEMPTS):
        (claimed,) = claim_all(sale, make_node())
        assert claimed.attempt == attempt
        assert [one for one in take_back() if one.id == id_] == []  # the lease still runs
        expire_lease(id_)
        (taken,) = [one for one in take_back() if one.id == id_]
        assert (taken.status, taken.version) == (Status.STARTING, sale.target.version)
        stored = row(id_)
        assert (stored.status, stored.attempt, stored.node_id) == (Status.STARTING, attempt, None)
        assert (stored.lease_until, stored.started_at, stored.device) == (None, None, "")
        assert balance_of_buyer(buyer).held == 4_000
    claim_all(sale, make_node())
    expire_lease(id_)
    (taken,) = [one for one in take_back() if one.id == id_]
    assert taken.status is Status.FAILED
    stored = row(id_)
    assert (stored.status, stored.attempt, stored.amount_charged) == (Status.FAILED, 3, 0)
    assert stored.error == "The node running this was lost 3 times; the input may be more than it can take."
    assert stored.not_billed_reason == NOT_BILLED_REASONS[Status.FAILED]
    assert Hold.objects.get(pk=id_).state == "voided"
    assert (balance_of_buyer(buyer).posted, balance_of_buyer(buyer).held) == (CREDIT, 0)
    assert completions_of(id_) == ["failed"]
    assert claim_all(sale, make_node()) == []
    assert_ledger_consistent()


def test_a_restarting_node_requeues_only_its_own_predictions():
    buyer, sale = make_buyer(), make_priced_model()
    mine, other = make_node(), make_node()
    ids = {mine: call(buyer, sale, width=64), other: call(buyer, sale, width=128)}
    claim_all(sale, mine)
    claim_all(sale, other)
    assert [(one.id, one.status) for one in take_back(node=mine)] == [(ids[mine], Status.STARTING)]
    assert status_of(ids[other]) is Status.PROCESSING
    assert renew(node=other, ids=[ids[other]]) == ({ids[other]}, set())


def test_concurrent_sweeps_requeue_each_prediction_once():
    buyer, sale = make_buyer(), make_priced_model()
    ids = [call(buyer, sale) for _ in range(8)]
    for _ in range(MAX_ATTEMPTS):
        claim_all(sale, make_node())
        expire_lease(*ids)
        taken = [
            one.id for answer in run_concurrently([take_back] * MAX_CONCURRENT_CALLS) for one in answer if one.id in ids
        ]
        assert sorted(taken) == ids
    assert [completions_of(id_) for id_ in ids] == [["failed"]] * 8
    assert (balance_of_buyer(buyer).posted, balance_of_buyer(buyer).held) == (CREDIT, 0)
    assert_ledger_consistent()


def test_cancelling_a_waiting_prediction_ends_it_at_once():
    buyer, sale = make_buyer(), make_priced_model()
    id_ = call(buyer, sale)
    cancel(actor=buyer.actor, prediction_id=id_)
    stored = row(id_)
    assert (stored.status, stored.amount_charged, stored.not_billed_reason) == (
        Status.CANCELED,
        0,
        NOT_BILLED_REASONS[Status.CANCELED],
    )
    assert stored.completed_at is not None
    assert Hold.objects.get(pk=id_).state == "voided"
    assert (balance_of_buyer(buyer).posted, balance_of_buyer(buyer).held) == (CREDIT, 0)
    assert completions_of(id_) == ["canceled"]
    assert claim_all(sale, make_node()) == []
    after = snapshot(id_)
    cancel(actor=buyer.actor, prediction_id=id_)
    assert snapshot(id_) == after
    assert_ledger_consistent()


def test_cancelling_a_running_prediction_notifies_its_node():
    buyer, sale, node = make_buyer(), make_priced_model(), make_node()
    id_ = call(buyer, sale)
    (claimed,) = claim_all(sale, node)
    assert renew(node=node, ids=[id_]) == ({id_}, set())
    cancel(actor=buyer.actor, prediction_id=id_)
    asked = row(id_).cancel_requested_at
    assert (status_of(id_), balance_of_buyer(buyer).held) == (Status.PROCESSING, 4_000)
    assert asked is not None
    cancel(actor=buyer.actor, prediction_id=id_)
    assert row(id_).cancel_requested_at == asked
    assert renew(node=node, ids=[id_]) == ({id_}, {id_})
    complete(
        [
            Ended(
                id_,
                claimed.attempt,
                Status.CANCELED,
                not_billed_reason=NOT_BILLED_REASONS[Status.CANCELED],
                stopped_at_step=7,
            )
        ]
    )
    assert (status_of(id_), row(id_).stopped_at_step, row(id_).amount_charged) == (Status.CANCELED, 7, 0)
    assert (balance_of_buyer(buyer).posted, balance_of_buyer(buyer).held) == (CREDIT, 0)


def test_a_canceled_and_lost_prediction_is_not_run_again():
    buyer, sale = make_buyer(), make_priced_model()
    id_ = call(buyer, sale)
    (claimed,) = claim_all(sale, make_node())
    cancel(actor=buyer.actor, prediction_id=id_)
    expire_lease(id_)
    (taken,) = [one for one in take_back() if one.id == id_]
    assert taken.status is Status.CANCELED
    stored = row(id_)
    assert (stored.status, stored.error, stored.amount_charged) == (Status.CANCELED, "", 0)
    assert stored.not_billed_reason == NOT_BILLED_REASONS[Status.CANCELED]
    assert Hold.objects.get(pk=id_).state == "voided"
    assert complete([succeeded(claimed)]) == []
    assert completions_of(id_) == ["canceled"]
    assert_ledger_consistent()


@pytest.mark.parametrize("status", [Status.SUCCEEDED, Status.FAILED])
def test_cancelling_an_ended_prediction_changes_nothing(status: Status):
    buyer, sale = make_buyer(), make_priced_model()
    id_ = call(buyer, sale)
    (claimed,) = claim_all(sale, make_node())
    complete(
        [succeeded(claimed) if status is Status.SUCCEEDED else Ended(id_, 1, status, error="x", not_billed_reason="x")]
    )
    after = snapshot(id_)
    cancel(actor=buyer.actor, prediction_id=id_)
    assert snapshot(id_) == after


def test_predictions_of_others_cannot_be_canceled():
    buyer, stranger, sale = make_buyer(), make_buyer(), make_priced_model()
    id_ = call(buyer, sale)
    for _ in range(2):
        before = snapshot(id_)
        for prediction in (id_, new_id()):
            with pytest.raises(NotFound, match="no such prediction"):
                cancel(actor=stranger.actor, prediction_id=prediction)
        with pytest.raises(NotFound):
            prediction_for_buyer(stranger.organization.pk, id_)
        assert snapshot(id_) == before
        claim_all(sale, make_node())
    assert (balance_of_buyer(stranger).posted, balance_of_buyer(stranger).held) == (CREDIT, 0)


@pytest.mark.parametrize("status", [Status.SUCCEEDED, Status.FAILED])
def test_a_result_after_the_hold_expired_is_delivered_and_not_charged(status: Status):
    buyer, sale = make_buyer(), make_priced_model()
    id_ = call(buyer, sale)
    (claimed,) = claim_all(sale, make_node())
    Hold.objects.using("owner").filter(pk=id_).update(expires_at=timezone.now())
    assert expire_holds() == 1
    assert (Hold.objects.get(pk=id_).state, balance_of_buyer(buyer).held) == ("expired", 0)
    reason = LATE if status is Status.SUCCEEDED else NOT_BILLED_REASONS[Status.FAILED]
    ended = (
        succeeded(claimed) if status is Status.SUCCEEDED else Ended(id_, 1, status, error="x", not_billed_reason=reason)
    )
    assert complete([ended]) == [(id_, None)]
    view = prediction_for_buyer(buyer.organization.pk, id_)
    assert (view.status, view.amount_charged, view.not_billed_reason) == (status, 0, reason)
    assert len(view.artifacts) == (1 if status is Status.SUCCEEDED else 0)
    assert (balance_of_buyer(buyer).posted, balance_of_buyer(buyer).held, sale.earned) == (CREDIT, 0, 0)
    assert not UsageRecord.objects.filter(hold=id_).exists()
    assert receipt_of(view)["payload"]["not_billed"] == reason
    assert_ledger_consistent()


def test_a_rolled_back_completion_can_be_repeated():
    buyer, sale = make_buyer(), make_priced_model()
    id_ = call(buyer, sale)
    (claimed,) = claim_all(sale, make_node())
    before = snapshot(id_)
    with transaction.atomic():
        assert complete([succeeded(claimed)]) == [(id_, None)]
        transaction.set_rollback(True)
    assert snapshot(id_) == before
    assert completions_of(id_) == []
    assert (balance_of_buyer(buyer).posted, balance_of_buyer(buyer).held, sale.earned) == (CREDIT, 4_000, 0)
    expire_lease(id_)
    take_back()
    (again,) = claim_all(sale, make_node())
    assert complete([succeeded(again)]) == [(id_, None)]
    assert (again.attempt, sale.earned) == (2, 3_600)
    assert_ledger_consistent()


def test_batches_completed_twice_in_opposite_orders_settle_each_prediction_once():
    buyers, sales, node = [make_buyer() for _ in range(3)], [make_priced_model() for _ in range(3)], make_node()
    ids = [call(buyer, sale) for buyer in buyers for sale in sales for _ in range(2)]
    results = [succeeded(one) for sale in sales for one in claim_all(sale, node)]
    shuffled = random.Random(3)
    batches = [shuffled.sample(results, len(results)) for _ in range(MAX_CONCURRENT_CALLS - 1)]
    answers = run_concurrently([partial(complete, results[::-1]), *(partial(complete, batch) for batch in batches)])
    ended = [id_ for answer in answers for id_, _ in answer]
    assert sorted(ended) == sorted(ids)
    assert [completions_of(id_) for id_ in ids] == [["succeeded"]] * len(ids)
    assert [(balance_of_buyer(buyer).posted, balance_of_buyer(buyer).held) for buyer in buyers] == [
        (CREDIT - 6 * 4_000, 0)
    ] * 3
    assert [sale.earned for sale in sales] == [6 * 3_600] * 3
    assert_ledger_consistent()


def test_a_cancel_and_a_completion_at_once_agree_on_one_end():
    for _ in range(4):
        buyer, sale = make_buyer(), make_priced_model()
        id_ = call(buyer, sale)

        def run(sale=sale) -> list[object]:
            return [complete([succeeded(one)]) for one in claim_all(sale, make_node())]

        stop = partial(cancel, actor=buyer.actor, prediction_id=id_)
        run_concurrently([run, stop, take_back, stop])
        status = status_of(id_)
        charged = 4_000 if status is Status.SUCCEEDED else 0
        assert status in (Status.SUCCEEDED, Status.CANCELED)
        assert (balance_of_buyer(buyer).posted, balance_of_buyer(buyer).held) == (CREDIT - charged, 0)
        assert completions_of(id_) == [status]
    assert_ledger_consistent()
