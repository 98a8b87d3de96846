"""Random histories of payments: in any order and repetition, no money is created or lost."""

import uuid
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from billing.gateways.base import GatewayUnavailable
from billing.ledger.domain import AccountKind
from billing.payments.domain import CENT, PayeeState, whole_cents
from billing.payments.models import Payee, Payout, TopUp
from billing.payments.services import gateway_events
from billing.payments.services.payouts import request_payout, send
from marketplace.core.models import OutboxEvent
from marketplace.core.outbox import relay_external
from marketplace.core.problems import Conflict, Invalid
from tests.integration.billing.conftest import Connected
from tests.support.doubles.stripe.resources import pay, reverse, set_transfers
from tests.support.doubles.stripe.store import Fault
from tests.support.ledger import (
    Item,
    acting_for,
    assert_ledger_consistent,
    balance,
    hold,
    make_organization,
    make_price,
    name,
)
from tests.support.ledger import settle as settle_holds

HISTORIES = settings(
    max_examples=12,
    stateful_step_count=25,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
FEE_BPS = 1_000
# The system under test: hypothesis creates its machines itself, so a fixture cannot pass it to them.
connected: list[Connected] = []


@dataclass
class Expected:
    """The model of the two parties' balances, in micro-units."""

    paid: set[uuid.UUID] = field(default_factory=set)
    amounts: dict[uuid.UUID, int] = field(default_factory=dict)
    spent: int = 0
    fees: int = 0

    @property
    def came_in(self) -> int:
        return sum(self.amounts[id] for id in self.paid)


class PaymentsMachine(RuleBasedStateMachine):
    """One buyer, one provider, and Stripe between them."""

    @initialize()
    def start(self) -> None:
        self.stripe = connected[0]
        self.stripe.store.faults.clear()
        self.buyer, self.provider = make_organization(), make_organization()
        self.account = self.stripe.onboard(self.provider)
        self.price = make_price(payee=self.provider, fee_bps=FEE_BPS)
        self.expected = Expected()
        self.first_event = len(self.stripe.store.events)

    @rule(cents=st.integers(100, 5_000))
    def ask_for_a_top_up(self, cents: int) -> None:
        started = self.stripe.start(self.buyer, cents * CENT)
        self.expected.amounts[started.id] = cents * CENT

    @rule(number=st.integers(0, 9))
    def pay_one(self, number: int) -> None:
        waiting = [id for id in self.expected.amounts if self.stripe.session(id)["status"] == "open"]
        if waiting:
            pay(self.stripe.store, self.stripe.session(waiting[number % len(waiting)]))

    @rule(numbers=st.lists(st.integers(0, 50), max_size=6))
    def hear_events_in_any_order(self, numbers: list[int]) -> None:
        events = self.stripe.store.events[self.first_event :]
        for number in numbers if events else []:
            event = events[number % len(events)]
            self.stripe.receive(event)
            with suppress(GatewayUnavailable):  # an account is requested, and a fault may be set for that
                gateway_events.process(id=event["id"])
            if event["type"] == "checkout.session.completed":
                self.expected.paid.add(uuid.UUID(event["data"]["object"]["client_reference_id"]))

    @rule(amount=st.integers(1, 3_000_000))
    def use(self, amount: int) -> None:
        if id_ := hold(self.buyer, self.price, amount):
            settle_holds([Item(id_, amount)])
            self.expected.spent += amount
            self.expected.fees += (amount * FEE_BPS + 5_000) // 10_000

    @rule()
    def ask_for_a_payout(self) -> None:
        payable, _ = balance(self.provider, AccountKind.PROVIDER_PAYABLE)
        try:
            payout = request_payout(actor=acting_for(self.provider), key=name())
        except Invalid:
            assert payable < 100 * CENT
        except Conflict:
            assert Payee.objects.get(owner=self.provider).state != PayeeState.ACTIVE
        else:
            assert payout.amount == whole_cents(payable)

    @rule(kind=st.sampled_from(["error", "lost"]), path=st.sampled_from(["/v1/transfers", "/v2/core/accounts"]))
    def something_goes_wrong(self, kind: str, path: str) -> None:
        self.stripe.store.faults.append(Fault(path, kind))

    @rule(works=st.booleans())
    def stripe_changes_its_mind(self, works: bool) -> None:
        set_transfers(self.stripe.store, self.account, "active" if works else "rejected")

    @rule()
    def the_platform_works(self) -> None:
        OutboxEvent.objects.update(due_at=timezone.now())
        relay_external(limit=20)

    @rule(number=st.integers(0, 9))
    def a_payout_is_sent_again(self, number: int) -> None:
        payouts = list(Payout.objects.filter(owner=self.provider))
        if payouts:
            with suppress(GatewayUnavailable):
                send(id=payouts[number % len(payouts)].pk)

    @rule(number=st.integers(0, 9), part=st.integers(1, 100))
    def a_transfer_is_taken_back(self, number: int, part: int) -> None:
        made = [one for one in self._transfers() if one["amount"] > one["amount_reversed"]]
        if made:
            transfer = made[number % len(made)]
            reverse(
                self.stripe.store,
                transfer,
                amount=max(1, (transfer["amount"] - transfer["amount_reversed"]) * part // 100),
            )

    def _transfers(self) -> list[dict]:
        return [one for one in self.stripe.store.all("transfer") if one["destination"] == self.account["id"]]

    @invariant()
    def the_buyer_has_what_came_in_less_what_was_used(self) -> None:
        if hasattr(self, "expected"):
            self.expected.paid |= set(
                TopUp.objects.filter(owner=self.buyer, state="paid").values_list("pk", flat=True)
            )  # the platform may know them already
            assert balance(self.buyer) == (self.expected.came_in - self.expected.spent, 0)
            for id in self.expected.paid:
                assert self.stripe.session(id)["payment_status"] == "paid"

    @invariant()
    def the_provider_has_what_was_earned_less_what_left(self) -> None:
        if hasattr(self, "expected"):
            left = sum(
                payout.amount - payout.returned
                for payout in Payout.objects.filter(owner=self.provider)
                if payout.state != "requested"
            )
            payable, _ = balance(self.provider, AccountKind.PROVIDER_PAYABLE)
            in_transit, _ = balance(self.provider, AccountKind.PAYOUT_IN_TRANSIT)
            assert payable + in_transit + left == self.expected.spent - self.expected.fees
            groups = [transfer["transfer_group"] for transfer in self._transfers()]
            assert len(groups) == len(set(groups))

    def teardown(self) -> None:
        """When all events were processed, the ledger matches Stripe's store."""
        if not hasattr(self, "expected"):
            return
        self.stripe.store.faults.clear()
        for _ in range(3):
            OutboxEvent.objects.update(due_at=timezone.now())
            relay_external(limit=200)
            for event in self.stripe.store.events[self.first_event :]:
                self.stripe.receive(event)
                gateway_events.process(id=event["id"])
        assert balance(self.provider, AccountKind.PAYOUT_IN_TRANSIT) == (0, 0)
        sent = sum((one["amount"] - one["amount_reversed"]) * CENT for one in self._transfers())
        payable, _ = balance(self.provider, AccountKind.PROVIDER_PAYABLE)
        assert payable + sent == self.expected.spent - self.expected.fees
        paid = sum(
            one["amount_total"] * CENT
            for id in self.expected.amounts
            if (one := self.stripe.session(id))["payment_status"] == "paid"
        )
        assert balance(self.buyer) == (paid - self.expected.spent, 0)
        assert_ledger_consistent()


PaymentsMachine.TestCase.settings = HISTORIES


@pytest.mark.usefixtures("database")
class TestPayments(PaymentsMachine.TestCase):  # type: ignore[misc,name-defined]  # hypothesis makes the class
    """Runs the machine."""

    @pytest.fixture(autouse=True)
    def _connect(self, stripe: Connected):  # type: ignore[no-untyped-def]
        stripe.store.incoming.append((0, 10_000_000))
        connected[:] = [stripe]
        yield
        connected.clear()
