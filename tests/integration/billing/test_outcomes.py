"""Outcome contracts with the real ledger: every path through the states, its money, and races."""

import uuid
from functools import partial

import pytest
from django.db import IntegrityError, connections, transaction

from billing.ledger.domain import AccountKind
from billing.ledger.models import Hold, UsageRecord
from billing.outcomes.domain import TRANSITIONS, OutcomeState, Verdict
from billing.outcomes.models import Outcome, UnitVerdict
from billing.outcomes.selectors import tallies
from billing.outcomes.services import contracts
from billing.outcomes.services.expiry import expire_holds
from billing.outcomes.services.verdicts import NothingToReview, VerdictStands, close_reviews, signal
from billing.pricing.domain import platform_fee
from marketplace.accounts.selectors import actor_of
from marketplace.core.models import OutboxEvent
from marketplace.core.problems import Invalid, NotFound
from tests.support.concurrency import MAX_CONCURRENT_CALLS, run_concurrently
from tests.support.ledger import assert_ledger_consistent, assert_split, balance, hold_row, release, rows
from tests.support.outcome_contracts import SignedContract, backdate, delivered, make_contract, observe, state_of

pytestmark = pytest.mark.usefixtures("database")

PRICE, CREDIT = 6_000, 1_000_000
ACCEPT, REJECT = Verdict.ACCEPTED, Verdict.REJECTED


def decide(id_: uuid.UUID, *verdicts: Verdict) -> OutcomeState:
    """Verdicts on the units from 0 on; the state after the last."""
    for unit, verdict in enumerate(verdicts):
        decided = signal(outcome_id=id_, unit=unit, verdict=verdict, reporter="test")
        assert decided.is_new
    return decided.state


def earned(agreed: SignedContract) -> int:
    return balance(agreed.payee, AccountKind.PROVIDER_PAYABLE)[0]


def test_a_delivery_holds_its_price_until_the_reviewer_accepts_it():
    agreed = make_contract()
    id_ = agreed.authorize(2)
    assert (state_of(id_), balance(agreed.payer)) == (OutcomeState.AUTHORIZED, (CREDIT, 2 * PRICE))
    observe({id_: 2})
    assert (state_of(id_), balance(agreed.payer)) == (OutcomeState.OBSERVING, (CREDIT, 2 * PRICE))
    hold, outcome = Hold.objects.get(pk=id_), Outcome.objects.get(pk=id_)
    assert (outcome.review_until - outcome.observed_at).total_seconds() == 24 * 3600
    assert (hold.expires_at - outcome.review_until).total_seconds() >= 24 * 3600
    assert decide(id_, ACCEPT) is OutcomeState.OBSERVING
    assert balance(agreed.payer) == (CREDIT, 2 * PRICE)
    assert signal(outcome_id=id_, unit=1, verdict=ACCEPT, reporter="test").state is OutcomeState.SETTLED
    assert balance(agreed.payer) == (CREDIT - 2 * PRICE, 0)
    assert_split(id_, charge=2 * PRICE, fee_bps=1_000)
    record = UsageRecord.objects.get(hold=id_)
    assert (record.quantity, record.amount, record.sku) == (2, 2 * PRICE, agreed.terms.price.sku)
    assert record.transaction.description == "acme/icons: 2 accepted images"
    assert OutboxEvent.objects.filter(topic="outcome.resolved", payload__id=str(id_)).count() == 1
    assert_ledger_consistent()


@pytest.mark.parametrize(
    ("count", "verdicts", "state", "paid"),
    [
        (1, [REJECT], OutcomeState.NOT_MET, 0),
        (4, [REJECT] * 4, OutcomeState.NOT_MET, 0),
        (4, [ACCEPT, REJECT, REJECT, ACCEPT], OutcomeState.SETTLED, 2),
        (4, [ACCEPT, REJECT], OutcomeState.SETTLED, 1),
        (4, [ACCEPT], OutcomeState.SETTLED, 1),
        (4, [REJECT], OutcomeState.EXPIRED, 0),
        (1, [], OutcomeState.EXPIRED, 0),
    ],
)
def test_what_is_paid_is_what_was_accepted_in_time(count: int, verdicts: list[Verdict], state: OutcomeState, paid: int):
    agreed = make_contract()
    id_ = delivered(agreed, count)
    if verdicts:
        decide(id_, *verdicts)
    if len(verdicts) < count:
        assert state_of(id_) is OutcomeState.OBSERVING
        backdate([id_])
        assert close_reviews() >= 1
    assert state_of(id_) is state
    assert balance(agreed.payer) == (CREDIT - paid * PRICE, 0)
    assert earned(agreed) == paid * PRICE - platform_fee(paid * PRICE, fee_bps=1_000)
    assert hold_row(id_)[0] == ("posted" if paid else "voided")
    assert UsageRecord.objects.filter(hold=id_).count() == (paid > 0)
    tally = tallies([agreed.contract.pk])[agreed.contract.pk]
    assert (tally.calls, tally.undecided, tally.accepted, tally.charged, tally.earned, tally.held) == (
        *(1, 0, paid, paid * PRICE),
        *(earned(agreed), 0),
    )
    assert tally.lapsed == count - len(verdicts)
    assert_ledger_consistent()


def test_a_model_that_delivers_less_is_paid_for_no_more_than_that():
    agreed = make_contract()
    id_ = agreed.authorize(4)
    observe({id_: 2})
    with pytest.raises(Invalid):
        signal(outcome_id=id_, unit=2, verdict=ACCEPT, reporter="test")
    assert decide(id_, ACCEPT, ACCEPT) is OutcomeState.SETTLED
    assert balance(agreed.payer) == (CREDIT - 2 * PRICE, 0)


@pytest.mark.parametrize("how", ["voided", "expired"])
def test_releasing_a_hold_before_delivery_ends_its_outcome(how: str):
    agreed = make_contract()
    id_ = agreed.authorize()
    assert release([id_], how) == 1
    assert (state_of(id_), balance(agreed.payer)) == (OutcomeState.VOIDED, (CREDIT, 0))
    assert observe({id_: 1}) == set()
    with pytest.raises(NothingToReview, match="Nothing was delivered"):
        signal(outcome_id=id_, unit=0, verdict=ACCEPT, reporter="test")
    assert state_of(id_) is OutcomeState.VOIDED


def test_nothing_delivered_is_no_delivery():
    agreed = make_contract()
    id_ = agreed.authorize()
    assert observe({id_: 0}) == set()
    assert state_of(id_) is OutcomeState.AUTHORIZED


def test_a_verdict_is_given_once():
    agreed = make_contract()
    id_ = delivered(agreed, 2)
    decide(id_, REJECT)
    again = signal(outcome_id=id_, unit=0, verdict=REJECT, reporter="somebody else")
    assert (again.is_new, again.state) == (False, OutcomeState.OBSERVING)
    with pytest.raises(VerdictStands):
        signal(outcome_id=id_, unit=0, verdict=ACCEPT, reporter="test")
    assert [(one.unit, one.verdict, one.reporter) for one in UnitVerdict.objects.filter(outcome=id_)] == [
        (0, "rejected", "test")
    ]
    signal(outcome_id=id_, unit=1, verdict=ACCEPT, reporter="test")
    assert signal(outcome_id=id_, unit=1, verdict=ACCEPT, reporter="test").is_new is False
    assert balance(agreed.payer) == (CREDIT - PRICE, 0)


def test_invalid_reviews_are_refused():
    agreed = make_contract()
    id_ = agreed.authorize()
    with pytest.raises(NothingToReview, match="Nothing is delivered yet"):
        signal(outcome_id=id_, unit=0, verdict=ACCEPT, reporter="test")
    observe({id_: 1})
    for unit in (-1, 1, 2**15, 2**40):
        with pytest.raises(Invalid):
            signal(outcome_id=id_, unit=unit, verdict=ACCEPT, reporter="test")
    backdate([id_])
    with pytest.raises(NothingToReview, match="window is over"):
        signal(outcome_id=id_, unit=0, verdict=ACCEPT, reporter="test")
    with pytest.raises(NotFound):
        signal(outcome_id=uuid.uuid4(), unit=0, verdict=ACCEPT, reporter="test")
    assert UnitVerdict.objects.filter(outcome=id_).count() == 0


def test_a_delivery_under_review_outlives_its_holds_expiry():
    """The sweep of holds may run late; the end of the review decides."""
    agreed = make_contract()
    id_ = delivered(agreed)
    backdate([id_], holds=True)
    expire_holds()
    assert state_of(id_) is OutcomeState.OBSERVING
    assert decide(id_, ACCEPT) is OutcomeState.SETTLED
    late = agreed.authorize()
    backdate([late], holds=True)
    expire_holds()
    assert state_of(late) is OutcomeState.VOIDED
    assert_ledger_consistent()


def test_calls_outside_the_contract_are_not_authorized():
    agreed, other = make_contract(credit=PRICE), make_contract()
    assert SignedContract(agreed.provider, other.buyer, agreed.contract, agreed.terms).authorize() == "contract_unknown"
    assert SignedContract(agreed.provider, agreed.buyer, agreed.contract, other.terms).authorize() == "contract_unknown"
    assert agreed.authorize(2) == "insufficient_funds"
    contracts.end(actor=actor_of(agreed.buyer), contract_id=agreed.contract.pk)
    assert agreed.authorize() == "contract_ended"
    assert balance(agreed.payer) == (PRICE, 0)
    assert not Outcome.objects.filter(contract=agreed.contract).exists()


def test_a_contract_that_ends_lets_its_calls_finish():
    agreed = make_contract()
    running, reviewed = agreed.authorize(), delivered(agreed)
    contracts.end(actor=actor_of(agreed.provider), contract_id=agreed.contract.pk)
    observe({running: 1})
    assert decide(running, ACCEPT) is decide(reviewed, ACCEPT) is OutcomeState.SETTLED


def test_of_calls_at_once_as_many_are_admitted_as_may_be_unreviewed():
    agreed = make_contract(most_unreviewed=3)
    answers = run_concurrently([agreed.authorize] * MAX_CONCURRENT_CALLS)
    admitted = [answer for answer in answers if isinstance(answer, uuid.UUID)]
    assert (len(admitted), set(answers) - set(admitted)) == (3, {"contract_full"})
    observe({admitted[0]: 1})
    assert agreed.authorize() == "contract_full"
    decide(admitted[0], REJECT)
    release([admitted[1]])
    assert isinstance(agreed.authorize(), uuid.UUID)
    assert isinstance(agreed.authorize(), uuid.UUID)
    assert agreed.authorize() == "contract_full"


def test_accepting_rejecting_and_time_have_one_winner():
    agreed = make_contract(credit=10_000_000)
    ids = [delivered(agreed, 2) for _ in range(12)]
    for id_ in ids:
        signal(outcome_id=id_, unit=0, verdict=REJECT, reporter="test")

    def attempt(verdict: Verdict, id_: uuid.UUID) -> bool:
        try:
            return signal(outcome_id=id_, unit=1, verdict=verdict, reporter="test").is_new
        except (VerdictStands, NothingToReview):
            return False

    for id_ in ids:
        won = run_concurrently(
            [
                *[partial(attempt, ACCEPT, id_), partial(attempt, REJECT, id_)] * 2,
                partial(backdate, [id_]),
                close_reviews,
            ]
        )[:4]
        close_reviews()
        accepted = UnitVerdict.objects.filter(outcome=id_, unit=1, verdict="accepted").count()
        rejected = UnitVerdict.objects.filter(outcome=id_, unit=1, verdict="rejected").count()
        assert won.count(True) == accepted + rejected <= 1
        expected = {(1, 0): OutcomeState.SETTLED, (0, 1): OutcomeState.NOT_MET, (0, 0): OutcomeState.EXPIRED}
        assert state_of(id_) is expected[accepted, rejected]
        assert hold_row(id_)[:2] == (("posted", PRICE) if accepted else ("voided", 0))
    assert_ledger_consistent()


def test_delivering_and_letting_go_at_once_have_one_winner():
    agreed = make_contract(credit=10_000_000)
    for _ in range(8):
        id_ = agreed.authorize()
        observed, released = run_concurrently([partial(observe, {id_: 1}), partial(release, [id_])])
        assert (bool(observed), released) in {(True, 0), (False, 1)}
        assert state_of(id_) is (OutcomeState.OBSERVING if observed else OutcomeState.VOIDED)
        assert hold_row(id_)[0] == ("pending" if observed else "voided")
    assert_ledger_consistent()


def test_many_reviewers_settle_many_deliveries_of_the_same_parties():
    """Settlements of one buyer and one provider lock the same accounts, in both directions of their ids."""
    agreed = make_contract(credit=10_000_000)
    ids = [delivered(agreed, 2) for _ in range(10)]

    def go(order: list[uuid.UUID], unit: int) -> None:
        for id_ in order:
            signal(outcome_id=id_, unit=unit, verdict=ACCEPT, reporter="test")

    run_concurrently([partial(go, ids, 0), partial(go, ids[::-1], 1), partial(go, ids[::-1], 0), partial(go, ids, 1)])
    assert {state_of(id_) for id_ in ids} == {OutcomeState.SETTLED}
    assert balance(agreed.payer) == (10_000_000 - 20 * PRICE, 0)
    assert_ledger_consistent()


# --- guards ------------------------------------------------------------------------------------------------------


def test_the_database_keeps_the_same_table_of_transitions():
    agreed = make_contract(credit=10_000_000)
    allowed = {(old, new) for old, states in TRANSITIONS.items() for new in states}
    allowed.add((OutcomeState.OBSERVING, OutcomeState.OBSERVING))  # a verdict on some of the images
    for old in OutcomeState:
        for new in OutcomeState:
            id_ = agreed.authorize()
            with connections["owner"].cursor() as cursor:
                cursor.execute("ALTER TABLE billing_outcome DISABLE TRIGGER billing_outcome_guard")
                cursor.execute("UPDATE billing_outcome SET state = %s WHERE id = %s", [old, id_])
                cursor.execute("ALTER TABLE billing_outcome ENABLE TRIGGER billing_outcome_guard")
                try:
                    with transaction.atomic(using="owner"):
                        cursor.execute("UPDATE billing_outcome SET state = %s WHERE id = %s", [new, id_])
                    went = True
                except IntegrityError:
                    went = False
                finally:
                    cursor.execute("ALTER TABLE billing_outcome DISABLE TRIGGER billing_outcome_guard")
                    cursor.execute("UPDATE billing_outcome SET state = 'authorized' WHERE id = %s", [id_])
                    cursor.execute("ALTER TABLE billing_outcome ENABLE TRIGGER billing_outcome_guard")
            release([id_])
            assert went == ((old, new) in allowed), (old, new)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE billing_outcome SET quantity = 4 WHERE id = %s",
        "UPDATE billing_outcome SET delivered = 1 WHERE id = %s",
        "UPDATE billing_outcome SET review_until = now() WHERE id = %s",
        "UPDATE billing_outcome SET accepted = accepted + 3 WHERE id = %s",
        "DELETE FROM billing_outcome WHERE id = %s",
        "UPDATE billing_signal SET verdict = 'accepted' WHERE outcome_id = %s",
        "DELETE FROM billing_signal WHERE outcome_id = %s",
        "UPDATE billing_outcomeoffer SET review_hours = 1 WHERE %s IS NOT NULL",
        "UPDATE billing_outcomecontract SET buyer = 'x' WHERE %s IS NOT NULL",
        "DELETE FROM billing_outcomecontract WHERE %s IS NOT NULL",
        "DELETE FROM billing_outcomeoffer WHERE %s IS NOT NULL",
    ],
)
def test_not_even_the_owner_changes_what_was_agreed_delivered_and_decided(change: str):
    agreed = make_contract()
    id_ = delivered(agreed, 2)
    signal(outcome_id=id_, unit=0, verdict=REJECT, reporter="test")
    with (
        pytest.raises(IntegrityError),
        transaction.atomic(using="owner"),
        connections["owner"].cursor() as cursor,
    ):
        cursor.execute(change, [id_])


def test_an_ended_contract_stays_ended():
    agreed = make_contract()
    contracts.end(actor=actor_of(agreed.buyer), contract_id=agreed.contract.pk)
    contracts.end(actor=actor_of(agreed.provider), contract_id=agreed.contract.pk)  # changes nothing
    agreed.contract.refresh_from_db()
    assert agreed.contract.ended_for == agreed.payer
    with pytest.raises(IntegrityError), transaction.atomic():
        rows(
            "UPDATE billing_outcomecontract SET ended_at = NULL, ended_by_id = NULL WHERE id = %s RETURNING id",
            agreed.contract.pk,
        )
