"""Random histories of an outcome contract, compared with a simple model in Python."""

import random
import uuid
from dataclasses import dataclass, field
from functools import partial

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from billing.ledger.domain import AccountKind
from billing.ledger.models import UsageRecord
from billing.outcomes.domain import OutcomeState, Verdict, conclude
from billing.outcomes.models import Outcome
from billing.outcomes.services.expiry import expire_holds
from billing.outcomes.services.verdicts import NothingToReview, VerdictStands, close_reviews, signal
from billing.pricing.domain import platform_fee
from marketplace.core.problems import Invalid
from tests.support.concurrency import run_concurrently
from tests.support.ledger import assert_ledger_consistent, balance, release
from tests.support.outcome_contracts import backdate, make_contract, observe

HISTORIES = settings(
    max_examples=12,
    stateful_step_count=20,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
CREDIT, PRICE, FEE_BPS, LIMIT = 120_000, 5_003, 1_000, 6


@dataclass
class Call:
    """The model of one call."""

    quantity: int
    state: OutcomeState = OutcomeState.AUTHORIZED
    delivered: int = 0
    verdicts: dict[int, Verdict] = field(default_factory=dict)
    is_over: bool = False

    def count(self, verdict: Verdict) -> int:
        return list(self.verdicts.values()).count(verdict)

    def conclude(self) -> None:
        if self.state is OutcomeState.OBSERVING:
            self.state = conclude(
                delivered=self.delivered,
                accepted=self.count(Verdict.ACCEPTED),
                rejected=self.count(Verdict.REJECTED),
                is_over=self.is_over,
            )

    @property
    def paid(self) -> int:
        return self.count(Verdict.ACCEPTED) * PRICE if self.state is OutcomeState.SETTLED else 0

    @property
    def held(self) -> int:
        return 0 if self.state.is_final else self.quantity * PRICE


class OutcomeMachine(RuleBasedStateMachine):
    made = Bundle("made")

    @initialize()
    def make_contract(self) -> None:
        self.agreed = make_contract(credit=CREDIT, amount=PRICE, most_unreviewed=LIMIT)
        self.calls: dict[uuid.UUID, Call] = {}

    def held(self) -> int:
        return sum(call.held for call in self.calls.values())

    def paid(self) -> int:
        return sum(call.paid for call in self.calls.values())

    @rule(target=made, quantity=st.integers(1, 4))
    def authorize(self, quantity: int) -> uuid.UUID:
        answer = self.agreed.authorize(quantity)
        undecided = sum(not call.state.is_final for call in self.calls.values())
        if undecided >= LIMIT:
            assert answer == "contract_full"
        elif self.held() + self.paid() + quantity * PRICE > CREDIT:
            assert answer == "insufficient_funds"
        else:
            assert isinstance(answer, uuid.UUID)
            self.calls[answer] = Call(quantity)
            return answer
        return uuid.UUID(int=0)

    @rule(id_=made, delivered=st.integers(0, 5))
    def deliver(self, id_: uuid.UUID, delivered: int) -> None:
        call = self.calls.get(id_)
        observed = observe({id_: delivered})
        if call is None or call.state is not OutcomeState.AUTHORIZED or delivered == 0:
            assert observed == set()
            return
        assert observed == {id_}
        call.state, call.delivered = OutcomeState.OBSERVING, min(delivered, call.quantity)

    @rule(id_=made, how=st.sampled_from(["voided", "expired"]))
    def let_go(self, id_: uuid.UUID, how: str) -> None:
        call = self.calls.get(id_)
        is_open = call is not None and call.state is OutcomeState.AUTHORIZED
        assert release([id_], how) == is_open  # a delivered call is only concluded
        if call is not None and is_open:
            call.state = OutcomeState.VOIDED

    @rule(id_=made)
    def the_hold_runs_out(self, id_: uuid.UUID) -> None:
        backdate([id_], holds=True)
        expire_holds()
        call = self.calls.get(id_)
        if call is not None and call.state is OutcomeState.AUTHORIZED:
            call.state = OutcomeState.VOIDED

    @rule(id_=made, unit=st.integers(0, 4), verdict=st.sampled_from(Verdict))
    def decide(self, id_: uuid.UUID, unit: int, verdict: Verdict) -> None:
        call = self.calls.get(id_)
        if call is None:
            return
        known = call.verdicts.get(unit)
        try:
            decided = signal(outcome_id=id_, unit=unit, verdict=verdict, reporter="test")
        except VerdictStands:
            assert known not in (None, verdict)
            return
        except NothingToReview:
            assert known is None
            assert call.state is not OutcomeState.OBSERVING or call.is_over
            return
        except Invalid:
            assert unit >= call.delivered
            return
        assert decided.is_new == (known is None)
        if decided.is_new:
            call.verdicts[unit] = verdict
            call.conclude()
        assert decided.state is call.state

    @rule(id_=made)
    def the_window_ends(self, id_: uuid.UUID) -> None:
        call = self.calls.get(id_)
        if call is not None and call.state is OutcomeState.OBSERVING:
            backdate([id_])
            call.is_over = True

    @rule()
    def sweep(self) -> None:
        close_reviews()
        for call in self.calls.values():
            call.conclude()

    @rule(id_=made, seed=st.integers(0, 2**16))
    def all_at_once(self, id_: uuid.UUID, seed: int) -> None:
        """Contrary verdicts on each unit and the sweep: each unit gets one, and the ledger follows those."""
        call = self.calls.get(id_)
        if call is None or call.state is not OutcomeState.OBSERVING:
            return
        attempts = [
            partial(self._attempt, id_, unit, verdict) for unit in range(min(call.delivered, 2)) for verdict in Verdict
        ]
        random.Random(seed).shuffle(attempts)
        given = [one for one in run_concurrently([*attempts, close_reviews, expire_holds])[:-2] if one]
        for unit, verdict in given:
            assert unit not in call.verdicts
            call.verdicts[unit] = verdict
        close_reviews()  # a sweep skips locked rows; the next one handles them
        for other in self.calls.values():
            other.conclude()

    @staticmethod
    def _attempt(id_: uuid.UUID, unit: int, verdict: Verdict) -> tuple[int, Verdict] | None:
        try:
            decided = signal(outcome_id=id_, unit=unit, verdict=verdict, reporter="test")
        except (VerdictStands, NothingToReview):
            return None
        return (unit, verdict) if decided.is_new else None

    @invariant()
    def ledger_matches_the_model(self) -> None:
        if not hasattr(self, "calls"):
            return
        paid = [call.paid for call in self.calls.values()]
        assert balance(self.agreed.payer) == (CREDIT - sum(paid), self.held())
        earned = sum(amount - platform_fee(amount, fee_bps=FEE_BPS) for amount in paid)
        assert balance(self.agreed.payee, AccountKind.PROVIDER_PAYABLE) == (earned, 0)
        rows = {row.pk: row for row in Outcome.objects.filter(contract=self.agreed.contract)}
        assert rows.keys() == self.calls.keys()
        for id_, call in self.calls.items():
            row = rows[id_]
            assert row.state == call.state
            assert (row.accepted, row.rejected) == (call.count(Verdict.ACCEPTED), call.count(Verdict.REJECTED))
            assert row.amount == (call.paid if call.state.is_final else None)
            assert UsageRecord.objects.filter(hold=id_).count() == (call.state is OutcomeState.SETTLED)

    def teardown(self) -> None:
        if hasattr(self, "calls"):
            assert_ledger_consistent()


@pytest.mark.usefixtures("database")
def test_any_history_of_a_contract_keeps_the_ledger_consistent():
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(OutcomeMachine, settings=HISTORIES)
