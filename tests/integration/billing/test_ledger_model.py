"""Random histories of the ledger, compared with a simple model in Python."""

import random
import uuid
from dataclasses import dataclass, field
from functools import partial

import pytest
from django.db import IntegrityError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from billing.ledger.domain import AccountKind
from billing.outcomes.services.expiry import expire_holds
from billing.pricing.domain import PriceTerms, platform_fee
from marketplace.core.problems import Conflict
from tests.support.concurrency import run_concurrently
from tests.support.ledger import (
    Item,
    assert_ledger_consistent,
    assert_split,
    balance,
    give,
    hold,
    hold_row,
    holds,
    make_payer,
    make_price,
    name,
    release,
    rows,
    settle,
)

# One example after another in the same real database: each makes its own payers and providers, nothing is reset.
HISTORIES = settings(
    max_examples=15,
    stateful_step_count=20,
    deadline=None,
    database=None,
    # A rule that needs a hold counts as filtered out while there is none.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
FEES = (0, 333, 1_000, 10_000)
AMOUNTS = st.integers(0, 5_000)


@dataclass
class Held:
    payer: str
    price: PriceTerms
    amount: int
    is_due: bool
    state: str = "pending"
    posted: int | None = None


@dataclass
class Model:
    """The model: credits by key, holds by id."""

    given: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    holds: dict[uuid.UUID, Held] = field(default_factory=dict)

    def posted(self, payer: str) -> int:
        came = sum(amount for to, amount, _ in self.given.values() if to == payer)
        return came - sum(one.posted or 0 for one in self.holds.values() if one.payer == payer)

    def held(self, payer: str) -> int:
        return sum(one.amount for one in self.holds.values() if one.payer == payer and one.state == "pending")

    def earned(self, price: PriceTerms) -> int:
        charges = [one.posted or 0 for one in self.holds.values() if one.price == price]
        return sum(charge - platform_fee(charge, fee_bps=price.fee_bps) for charge in charges)


class LedgerMachine(RuleBasedStateMachine):
    """Two payers, four prices, and everything that can happen between them."""

    made = Bundle("made")

    @initialize()
    def start(self) -> None:
        self.model = Model()
        self.payers = [name(), name()]
        self.prices = [make_price(fee_bps=fee_bps) for fee_bps in FEES]
        self.keys = [name() for _ in range(3)]
        self._give(self.keys[0], self.payers[0], 10_000)

    @rule(key=st.integers(0, 2), payer=st.integers(0, 1), amount=st.integers(1, 10_000))
    def top_up(self, key: int, payer: int, amount: int) -> None:
        self._give(self.keys[key], self.payers[payer], amount)

    @rule(key=st.integers(0, 2))
    def send_the_same_top_up_again(self, key: int) -> None:
        if known := self.model.given.get(self.keys[key]):
            assert give(known[0], known[1], key=self.keys[key]) == known[2]

    def _give(self, key: str, payer: str, amount: int) -> None:
        known = self.model.given.get(key)
        if known is not None and known[:2] != (payer, amount):
            with pytest.raises(Conflict):
                give(payer, amount, key=key)
            return
        transaction = give(payer, amount, key=key)
        assert known is None or transaction == known[2]
        self.model.given[key] = (payer, amount, transaction)

    @rule(target=made, payer=st.integers(0, 1), price=st.integers(0, 3), amount=AMOUNTS, is_due=st.booleans())
    def hold(self, payer: int, price: int, amount: int, is_due: bool):  # type: ignore[no-untyped-def]  # Bundle
        owner, terms = self.payers[payer], self.prices[price]
        covered = amount == 0 or self.model.posted(owner) - self.model.held(owner) >= amount
        id_ = hold(owner, terms, amount, hours=-1 if is_due else 24)
        assert (id_ is not None) == covered
        if id_ is None:
            return multiple()
        self.model.holds[id_] = Held(owner, terms, amount, is_due)
        return id_

    @rule(ids=st.lists(made, max_size=4), part=st.sampled_from([0, 1, 33, 50, 100]), quantity=st.integers(0, 2))
    def settle(self, ids: list[uuid.UUID], part: int, quantity: int) -> None:
        items = [Item(id_, self.model.holds[id_].amount * part // 100, quantity) for id_ in ids]
        pending = {item.hold: item for item in items if self.model.holds[item.hold].state == "pending"}
        assert settle(items) == {id_: item.amount for id_, item in pending.items()}
        for id_, item in pending.items():
            one = self.model.holds[id_]
            one.state, one.posted = "posted" if item.amount or quantity else "voided", item.amount

    @rule(id_=made, excess=st.integers(1, 10))
    def settle_for_too_much(self, id_: uuid.UUID, excess: int) -> None:
        one = self.model.holds[id_]
        if one.state == "pending":
            with pytest.raises(IntegrityError):
                settle([Item(id_, one.amount + excess)])
        else:
            assert settle([Item(id_, one.amount + excess)]) == {}

    @rule(ids=st.lists(made, max_size=4))
    def void(self, ids: list[uuid.UUID]) -> None:
        pending = {id_ for id_ in ids if self.model.holds[id_].state == "pending"}
        assert release(ids) == len(pending)
        self._end(pending, "voided")

    @rule()
    def expire(self) -> None:
        due = {id_ for id_, one in self.model.holds.items() if one.is_due and one.state == "pending"}
        assert expire_holds() == len(due)
        self._end(due, "expired")

    def _end(self, ids: set[uuid.UUID], state: str) -> None:
        for id_ in ids:
            self.model.holds[id_].state, self.model.holds[id_].posted = state, 0

    @invariant()
    def the_ledger_is_the_model(self) -> None:
        for payer in self.payers:
            assert balance(payer) == (self.model.posted(payer), self.model.held(payer))
            assert self.model.posted(payer) >= self.model.held(payer)
        for price in self.prices:
            assert balance(price.payee, AccountKind.PROVIDER_PAYABLE) == (self.model.earned(price), 0)
        states = dict(rows("SELECT id, state FROM billing_hold WHERE id = ANY (%s)", list(self.model.holds)))
        assert states == {id_: one.state for id_, one in self.model.holds.items()}

    def teardown(self) -> None:
        for id_, one in self.model.holds.items():
            if one.state == "posted" and one.posted:
                assert_split(id_, charge=one.posted, fee_bps=one.price.fee_bps)
        release(list(self.model.holds))  # the next history counts what it expires
        assert_ledger_consistent()


LedgerMachine.TestCase.settings = HISTORIES


@pytest.mark.usefixtures("database")
class TestLedger(LedgerMachine.TestCase):  # type: ignore[misc,name-defined]  # hypothesis makes the class
    """Runs the machine."""


@dataclass(frozen=True)
class Step:
    """One step of a thread: the operation, the shared hold and the amount."""

    what: str
    holds: tuple[int, ...]
    amount: int


STEPS = st.builds(
    Step,
    what=st.sampled_from(["settle", "settle", "void", "expire", "hold", "top_up"]),
    holds=st.lists(st.integers(0, 11), min_size=1, max_size=12).map(tuple),
    amount=st.integers(0, 1_000),
)


@pytest.mark.usefixtures("database")
@settings(HISTORIES, max_examples=12)
@given(scripts=st.lists(st.lists(STEPS, min_size=1, max_size=6), min_size=2, max_size=5), seed=st.integers(0, 99))
def test_concurrent_operations_keep_the_ledgers_invariants(scripts: list[list[Step]], seed: int):
    payers = [make_payer(13_000), make_payer(13_000)]
    prices = [make_price(fee_bps=fee_bps) for fee_bps in (333, 10_000)]
    chosen = random.Random(seed)
    pool = [holds(chosen.choice(payers), chosen.choice(prices), [1_000])[0] for _ in range(12)]
    keys = [name() for _ in range(3)]
    settled: list[uuid.UUID] = []
    released = [0]

    def play(script: list[Step]) -> None:
        for step in script:
            ids = [pool[number] for number in step.holds]
            if step.what == "settle":
                settled.extend(settle([Item(id_, step.amount) for id_ in ids]))
            elif step.what == "hold":
                hold(payers[step.holds[0] % 2], prices[0], step.amount)
            elif step.what == "top_up":
                give(payers[0], 500, key=keys[step.holds[0] % 3])
            else:
                released.append(release(ids, "voided" if step.what == "void" else "expired"))

    run_concurrently([partial(play, script) for script in scripts])
    states = [hold_row(id_)[0] for id_ in pool]
    assert len(settled) == len(set(settled)) == states.count("posted")
    assert sum(released) == states.count("voided") + states.count("expired")
    assert_ledger_consistent()
