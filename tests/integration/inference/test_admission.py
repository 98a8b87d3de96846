"""Admission: changes between look-up and call are detected, and a refusal stores nothing."""

from dataclasses import replace

import pytest

from billing.ledger.models import Hold
from inference.domain.lifecycle import HOLD_HOURS, Origin, Status
from inference.models import Prediction
from inference.services.admit import PriceChanged, admit
from marketplace.accounts.domain import Scope
from marketplace.accounts.models import Organization
from marketplace.accounts.selectors import actor_by_key
from marketplace.accounts.services.api_keys import create_key, revoke_key
from marketplace.core.models import OutboxEvent
from marketplace.core.problems import Forbidden, Invalid, NotAuthenticated, NotFound, PaymentRequired
from tests.support.concurrency import MAX_CONCURRENT_CALLS, run_concurrently
from tests.support.inference_market import (
    CREDIT,
    ListedModel,
    balance_of_buyer,
    call,
    make_buyer,
    make_priced_model,
    row,
    status_of,
)
from tests.support.ledger import assert_ledger_consistent
from tests.support.parties import Party

pytestmark = pytest.mark.usefixtures("database")


def assert_nothing_happened(buyer: Party, sale: ListedModel, *, credit: int = CREDIT) -> None:
    assert (balance_of_buyer(buyer).posted, balance_of_buyer(buyer).held) == (credit, 0)
    assert not Prediction.objects.filter(organization=buyer.organization).exists()
    assert not Hold.objects.filter(account__owner=buyer.owner).exists()
    assert not OutboxEvent.objects.filter(payload__version=sale.target.version).exists()


def test_an_admission_holds_the_price_and_emits_an_event():
    buyer, sale = make_buyer(), make_priced_model()
    id_ = call(buyer, sale, num_outputs=3)
    assert (balance_of_buyer(buyer).posted, balance_of_buyer(buyer).held) == (CREDIT, 12_000)
    stored, hold = row(id_), Hold.objects.get(pk=id_)
    assert (stored.status, stored.quantity, stored.amount_held) == (Status.STARTING, 3, 12_000)
    assert (stored.amount_charged, stored.attempt, stored.price_id) == (None, 0, sale.target.terms.id)
    assert (hold.amount, hold.state, hold.price_id) == (12_000, "pending", sale.target.terms.id)
    assert round((hold.expires_at - hold.created_at).total_seconds()) == HOLD_HOURS * 3600
    assert OutboxEvent.objects.filter(topic="prediction.admitted", payload__version=sale.target.version).count() == 1


def test_a_changed_price_refuses_the_call():
    buyer, sale = make_buyer(), make_priced_model(price=4_000)
    sale.set_price(5_000)
    with pytest.raises(PriceChanged, match="has changed"):
        call(buyer, sale)
    assert_nothing_happened(buyer, sale)


def test_what_was_admitted_keeps_its_price():
    buyer, sale = make_buyer(), make_priced_model(price=4_000)
    id_ = call(buyer, sale)
    sale.set_price(5_000)
    assert (row(id_).amount_held, row(id_).price_id) == (4_000, sale.target.terms.id)


def test_a_revoked_key_is_not_admitted():
    buyer, sale = make_buyer(), make_priced_model()
    key = create_key(actor=buyer.actor, name="test")
    caller = actor_by_key(key.secret)
    assert caller is not None
    revoke_key(actor=buyer.actor, key_id=key.key.pk)
    assert actor_by_key(key.secret) is None
    with pytest.raises(NotAuthenticated, match="revoked"):
        admit(caller=caller, target=sale.target, inputs={"prompt": "x"}, origin=Origin.API)
    assert_nothing_happened(buyer, sale)


def test_a_key_admits_for_its_own_organisation_only():
    buyer, other, sale = make_buyer(), make_buyer(), make_priced_model()
    key = create_key(actor=other.actor, name="test")
    forged = replace(buyer.actor, role=None, user_id=None, key_id=key.key.pk, scopes=frozenset(Scope))
    with pytest.raises(NotAuthenticated):
        admit(caller=forged, target=sale.target, inputs={"prompt": "x"}, origin=Origin.API)
    assert_nothing_happened(buyer, sale)


def test_a_withdrawn_version_takes_no_calls():
    buyer, sale = make_buyer(), make_priced_model()
    sale.withdraw()
    with pytest.raises(NotFound, match="withdrawn"):
        call(buyer, sale)
    assert_nothing_happened(buyer, sale)


@pytest.mark.parametrize("credit", [0, 1_000_000])
def test_more_than_the_balance_is_refused(credit: int):
    buyer, sale = make_buyer(credit=credit), make_priced_model(price=1_000_001)
    with pytest.raises(PaymentRequired, match=r"\$1\.000001"):
        call(buyer, sale)
    assert_nothing_happened(buyer, sale, credit=credit)


def test_a_model_that_is_free_runs_without_a_balance():
    buyer, sale = make_buyer(credit=0), make_priced_model(price=0)
    assert status_of(call(buyer, sale)) is Status.STARTING
    assert (balance_of_buyer(buyer).posted, balance_of_buyer(buyer).held) == (0, 0)


@pytest.mark.parametrize(
    "inputs", [{"prompt": ""}, {"prompt": "a\0b"}, {"num_outputs": 5}, {"num_outputs": "2"}, {"colour": "red"}]
)
def test_bad_input_holds_nothing(inputs: dict[str, object]):
    buyer, sale = make_buyer(), make_priced_model()
    with pytest.raises(Invalid):
        call(buyer, sale, **inputs)
    assert_nothing_happened(buyer, sale)


def test_an_organisation_that_does_not_buy_is_refused():
    buyer, sale = make_buyer(), make_priced_model()
    Organization.objects.filter(pk=buyer.organization.pk).update(can_buy=False, can_provide=True)
    with pytest.raises(Forbidden):
        call(buyer, sale)
    assert_nothing_happened(buyer, sale)


def test_concurrent_calls_never_overspend():
    buyer, sale = make_buyer(credit=1_000_000), make_priced_model(price=70_000)

    def spend() -> list[bool]:
        return [admitted() for _ in range(4)]

    def admitted() -> bool:
        try:
            call(buyer, sale)
        except PaymentRequired:
            return False
        return True

    answers = [answer for one in run_concurrently([spend] * MAX_CONCURRENT_CALLS) for answer in one]
    assert answers.count(True) == 1_000_000 // 70_000 == 14
    assert Prediction.objects.filter(organization=buyer.organization).count() == 14
    assert (balance_of_buyer(buyer).posted, balance_of_buyer(buyer).held) == (1_000_000, 14 * 70_000)
    assert_ledger_consistent()
