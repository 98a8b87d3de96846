"""Proofs of the ledger: they find what was changed past its guards, and nothing else."""

import json
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from billing.ledger.domain import ProofState
from billing.ledger.models import Proof, ProvenBalance
from billing.ledger.services import proofs
from tests.support.ledger import Item, give, hold, make_payer, make_price, rows, settle
from tests.support.parties import make_operator
from tests.support.services import home

pytestmark = pytest.mark.usefixtures("database")


@contextmanager
def past_the_guards() -> Iterator[psycopg.Connection]:
    """A connection on which no trigger and no foreign key is checked."""
    url = home.postgres_url(user="postgres", database=str(settings.DATABASES["default"]["NAME"]))
    with psycopg.connect(url) as superuser:
        superuser.execute("SET session_replication_role = replica")
        yield superuser


def change(sql: str, *parameters: object) -> Callable[[], None]:
    """Run a statement past the guards."""

    def run() -> None:
        with past_the_guards() as superuser:
            superuser.execute(sql, parameters)

    return run


def settled() -> tuple[str, int]:
    """A payer, and the transaction of one call that they paid."""
    payer, price = make_payer(1_000_000), make_price()
    id_ = hold(payer, price, 4_000)
    assert id_ is not None
    settle([Item(id_, 4_000)])
    ((transaction,),) = rows("SELECT transaction_id FROM billing_hold WHERE id = %s", id_)
    return payer, transaction


# What may be changed, with how it is put right: each by the payer and a transaction of theirs.
CORRUPTIONS: dict[str, tuple[str, str]] = {
    "an entry's amount": (
        "UPDATE billing_entry SET amount = amount + {by} WHERE transaction_id = {transaction} AND amount > 3000",
        "UPDATE billing_entry SET amount = amount - {by} WHERE transaction_id = {transaction} AND amount > 3000",
    ),
    "an entry's currency": (
        "UPDATE billing_entry SET currency = 'EUR' WHERE transaction_id = {transaction}",
        "UPDATE billing_entry SET currency = 'USD' WHERE transaction_id = {transaction}",
    ),
    "two entries' amounts": (
        "UPDATE billing_entry SET amount = amount + sign(amount) * {by} WHERE transaction_id = {transaction}"
        " AND abs(amount) > 3000",
        "UPDATE billing_entry SET amount = amount - sign(amount) * {by} WHERE transaction_id = {transaction}"
        " AND abs(amount) > 3000",
    ),
    "a usage record's amount": (
        "UPDATE billing_usagerecord SET amount = amount + {by} WHERE transaction_id = {transaction}",
        "UPDATE billing_usagerecord SET amount = amount - {by} WHERE transaction_id = {transaction}",
    ),
    "a usage record's transaction": (
        "UPDATE billing_usagerecord SET transaction_id = -{transaction} WHERE transaction_id = {transaction}",
        "UPDATE billing_usagerecord SET transaction_id = {transaction} WHERE transaction_id = -{transaction}",
    ),
    "a balance": (
        "UPDATE billing_account SET posted = posted + {by} WHERE owner = '{payer}'",
        "UPDATE billing_account SET posted = posted - {by} WHERE owner = '{payer}'",
    ),
    "what is held": (
        "UPDATE billing_account SET held = held + {by} WHERE owner = '{payer}'",
        "UPDATE billing_account SET held = held - {by} WHERE owner = '{payer}'",
    ),
}
AT_ONCE = ["a balance", "what is held"]  # every proof compares all balances with the proven sums and the holds


def prove(**options: Any) -> Proof:
    proof = proofs.prove(**options)
    assert proof is not None
    return proof


@contextmanager
def corrupted(kind: str, payer: str, transaction: int, by: int) -> Iterator[None]:
    """The books with one thing changed, which is put right afterwards: other tests share them."""
    wrong, right = (text.format(payer=payer, transaction=transaction, by=by) for text in CORRUPTIONS[kind])
    change(wrong)()
    try:
        yield
    finally:
        change(right)()


@pytest.mark.parametrize("kind", CORRUPTIONS)
@hypothesis_settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(by=st.integers(1, 900), others=st.integers(0, 3), place=st.integers(0, 3))
def test_what_is_changed_after_the_last_proof_is_found_by_the_next(kind: str, by: int, others: int, place: int):
    assert prove().findings == []
    made = [settled() for _ in range(others + 1)]
    payer, transaction = made[place % len(made)]
    with corrupted(kind, payer, transaction, by):
        proof = prove()
        assert proof.state == ProofState.UNSOUND
        assert any(f"transaction {transaction}:" in one or payer in one or "entry " in one for one in proof.findings)
        assert prove().findings == proof.findings, "it is found until it is put right"
    assert prove().findings == []


@pytest.mark.parametrize("kind", CORRUPTIONS)
@hypothesis_settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(by=st.integers(1, 900))
def test_what_is_changed_before_the_last_proof_is_found_by_a_full_one(kind: str, by: int):
    payer, transaction = settled()
    assert prove().findings == []
    with corrupted(kind, payer, transaction, by):
        assert (prove().findings == []) is (kind not in AT_ONCE)
        assert prove(is_full=True).state == ProofState.UNSOUND
    assert prove(is_full=True).findings == []


def test_settlements_that_run_meanwhile_raise_no_alarm():
    stop, errors = threading.Event(), []

    def work() -> None:
        try:
            while not stop.is_set():
                payer, price = make_payer(1_000_000), make_price()
                made = [hold(payer, price, 4_000) for _ in range(random.randint(1, 5))]
                settle([Item(one, random.randint(0, 4_000)) for one in made if one])
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    before = prove()
    for thread in threads:
        thread.start()
    try:
        found = [prove(is_full=number % 4 == 3) for number in range(20)]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert errors == []
    assert [proof.findings for proof in found] == [[]] * 20
    assert found[-1].through > before.through
    assert prove(is_full=True).findings == []


def test_an_entry_with_a_lower_id_that_is_committed_later_is_not_passed_over():
    prove()
    url = home.postgres_url(user=settings.SERVING_ROLE, database=str(settings.DATABASES["default"]["NAME"]))
    with psycopg.connect(url) as slow:
        payer = make_payer(0)
        legs = json.dumps(
            [
                {"owner": "platform", "kind": "promotion", "amount": -5},
                {"owner": payer, "kind": "buyer_prepaid", "amount": 5},
            ]
        )
        slow.execute("SELECT billing_post(%s, '', 'grant', 'test', '', 'USD', %s)", [f"slow:{payer}", legs])
        ((newest,),) = slow.execute("SELECT max(id) FROM billing_entry").fetchall()
        proof = prove(max_wait_seconds=0.2)
        assert (proof.state, proof.marked >= newest, proof.through < newest) == (ProofState.SOUND, True, True)
    after = prove()
    assert (after.findings, after.through >= newest) == ([], True)
    ((account, posted),) = rows("SELECT id, posted FROM billing_account WHERE owner = %s", payer)
    assert (ProvenBalance.objects.get(account=account).posted, posted) == (5, 5)


def test_the_proven_sums_are_those_of_the_entries():
    payer, _ = settled()
    prove()
    give(payer, 7, key=f"more:{payer}")
    proof = prove()
    assert (
        rows(
            "SELECT account_id FROM billing_provenbalance p WHERE posted <> "
            "(SELECT sum(amount) FROM billing_entry e WHERE e.account_id = p.account_id AND e.id <= %s)",
            proof.through,
        )
        == []
    )
    assert (proof.checked, proof.is_full) == (len(proofs.CHECKS), False)
    assert sum(row["posted"] for row in proof.totals if row["currency"] == "USD") == 0


def test_a_proof_is_due_on_request_or_after_some_minutes():
    prove()
    assert proofs.prove_if_due() is None
    operator = make_operator()
    proofs.request_proof(actor=operator)
    proofs.request_proof(actor=operator)
    assert Proof.objects.filter(state=ProofState.REQUESTED).count() == 1
    requested = proofs.prove_if_due()
    assert requested is not None
    assert requested.state == ProofState.SOUND
    assert proofs.prove_if_due() is None
    Proof.objects.update(created_at="2020-01-01T00:00Z")
    assert proofs.prove_if_due() is not None


def test_what_a_dead_process_began_is_interrupted():
    left = Proof.objects.create(state=ProofState.RUNNING)
    prove()
    left.refresh_from_db()
    assert left.state == ProofState.INTERRUPTED


def test_only_one_process_proves_at_a_time():
    url = home.postgres_url(user=settings.SERVING_ROLE, database=str(settings.DATABASES["default"]["NAME"]))
    with psycopg.connect(url) as other:
        other.execute("SELECT pg_advisory_lock(hashtextextended('billing.proof', 0))")
        assert proofs.prove() is None
        with pytest.raises(CommandError, match="Another process"):
            call_command("prove_ledger")


def test_the_command_proves_and_says_what_is_wrong():
    payer, transaction = settled()
    out = StringIO()
    call_command("prove_ledger", full=True, stdout=out)
    assert out.getvalue().endswith("all is sound.\n")
    with corrupted("a balance", payer, transaction, 3):
        with pytest.raises(CommandError, match="Stop settlement|stop settlement"):
            call_command("prove_ledger", stdout=out)
        assert payer in out.getvalue()
    assert prove().findings == []
