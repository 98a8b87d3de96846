"""Idempotency keys under real concurrency, and their expiry."""

from datetime import timedelta

import pytest
from django.utils import timezone

from inference.domain.conditions import KEY_HOURS, Conditions, Idempotency
from inference.domain.lifecycle import Origin
from inference.models import IdempotencyKey, Prediction
from inference.services.admit import IdempotencyKeyReused, admit
from inference.services.idempotency import forget_keys
from marketplace.core.problems import PaymentRequired
from tests.support.concurrency import MAX_CONCURRENT_CALLS, run_concurrently
from tests.support.inference_market import PRICE, ListedModel, balance_of_buyer, make_buyer, make_priced_model
from tests.support.ledger import assert_ledger_consistent
from tests.support.parties import Party

pytestmark = pytest.mark.usefixtures("database")


def call(buyer: Party, sale: ListedModel, key: str, prompt: str = "x"):  # type: ignore[no-untyped-def]  # a UUID
    inputs = {"prompt": prompt}
    conditions = Conditions(idempotency=Idempotency.of(key, inputs))
    return admit(caller=buyer.actor, target=sale.target, inputs=inputs, origin=Origin.API, conditions=conditions)


def made(buyer: Party) -> int:
    return Prediction.objects.filter(organization=buyer.organization).count()


def test_duplicates_at_once_are_admitted_once():
    buyer, sale = make_buyer(), make_priced_model()
    for key in ("a", "b", "c"):
        answers = run_concurrently([lambda key=key: [call(buyer, sale, key) for _ in range(3)]] * MAX_CONCURRENT_CALLS)
        assert len({id_ for one in answers for id_ in one}) == 1
    assert (made(buyer), balance_of_buyer(buyer).held) == (3, 3 * PRICE)
    assert_ledger_consistent()


def test_one_of_concurrent_different_requests_gets_the_key():
    buyer, sale = make_buyer(), make_priced_model()

    def attempt(prompt: str) -> object:
        try:
            return call(buyer, sale, "k", prompt)
        except IdempotencyKeyReused:
            return None

    answers = run_concurrently([lambda number=number: attempt(str(number)) for number in range(MAX_CONCURRENT_CALLS)])
    assert len([id_ for id_ in answers if id_]) == 1
    assert (made(buyer), balance_of_buyer(buyer).held) == (1, PRICE)


def test_a_call_waiting_for_a_refused_one_is_admitted():
    """The first call lacks balance; duplicates that waited for its key continue."""
    buyer, sale = make_buyer(credit=0), make_priced_model()

    def attempt() -> str:
        try:
            call(buyer, sale, "k")
        except PaymentRequired:
            return "refused"
        return "admitted"

    assert run_concurrently([attempt] * MAX_CONCURRENT_CALLS) == ["refused"] * MAX_CONCURRENT_CALLS
    assert not IdempotencyKey.objects.filter(organization=buyer.organization).exists()
    assert made(buyer) == 0


def test_idempotency_keys_are_deleted_after_a_day():
    buyer, sale = make_buyer(), make_priced_model()
    young, old = call(buyer, sale, "young"), call(buyer, sale, "old")
    for key, age in (("young", timedelta(hours=KEY_HOURS, minutes=-1)), ("old", timedelta(hours=KEY_HOURS, minutes=1))):
        IdempotencyKey.objects.filter(organization=buyer.organization, key=key).update(created_at=timezone.now() - age)
    assert forget_keys() >= 1
    assert call(buyer, sale, "young") == young
    assert call(buyer, sale, "old") != old
    assert made(buyer) == 3


def test_a_key_swept_while_reused_is_either_used_or_deleted():
    buyer, sale = make_buyer(), make_priced_model()
    first = call(buyer, sale, "k")
    IdempotencyKey.objects.filter(organization=buyer.organization).update(
        created_at=timezone.now() - timedelta(hours=KEY_HOURS + 1)
    )
    answers = run_concurrently([forget_keys, *[lambda: call(buyer, sale, "k")] * (MAX_CONCURRENT_CALLS - 1)])[1:]
    assert len(set(answers) - {first}) <= 1
    assert made(buyer) == len({first, *answers})
