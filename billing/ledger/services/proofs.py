"""Proofs of the ledger: its books agree with each other, from the last proven entry on or from the first.

PostgreSQL refuses wrong books when they are written; a proof finds what was changed past those guards. Entries never
change, so the sums up to the last sound proof are kept, and the next proof reads only the entries after it.

An entry gets its id before it is committed, so that one with a lower id can appear later. A proof therefore only counts
as proven what can no longer grow: it notes the last id that was given out, then takes a transaction id of its own,
and waits until all transactions before that one have ended. A transaction has its own id before its entries
get theirs, because they belong to a row of `billing_transaction`. Each check is one statement, so that it sees whole
transactions.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from billing.ledger.domain import ProofState
from billing.ledger.models import Proof
from billing.ledger.selectors import trial_balance
from marketplace.accounts import policy
from marketplace.accounts.domain import Actor
from marketplace.accounts.policy import Action
from marketplace.accounts.services import audit

log = logging.getLogger(__name__)

MAX_FINDINGS = 50
PROOF_EVERY_SECONDS = 300
MAX_WAIT_SECONDS = 10  # for transactions that were running when the proof began
KEPT_PROOFS = 2_000

# Each check names what is wrong in rows of one text. Those that read entries read whole transactions: the entries of
# one may lie on both sides of `through`.
UNBALANCED = """
WITH touched AS MATERIALIZED (SELECT DISTINCT transaction_id AS id FROM billing_entry
                              WHERE id > %(after)s AND id <= %(through)s)
SELECT format('transaction %%s: its entries sum to %%s micro-units of %%s, not to zero',
              transaction_id, sum(amount), currency)
FROM billing_entry WHERE transaction_id IN (SELECT id FROM touched)
GROUP BY transaction_id, currency HAVING sum(amount) <> 0 ORDER BY transaction_id LIMIT %(limit)s
"""
FOREIGN_CURRENCY = """
SELECT format('entry %%s: it is in %%s, its account in %%s', e.id, e.currency, a.currency)
FROM billing_entry e JOIN billing_account a ON a.id = e.account_id
WHERE e.id > %(after)s AND e.id <= %(through)s AND e.currency <> a.currency ORDER BY e.id LIMIT %(limit)s
"""
WRONG_USAGE = """
WITH touched AS MATERIALIZED (SELECT DISTINCT transaction_id AS id FROM billing_entry
                              WHERE id > %(after)s AND id <= %(through)s)
SELECT format('transaction %%s: its usage record says %%s with a fee of %%s micro-units, its entries say %%s and %%s',
              t.id, coalesce(u.amount::text, 'nothing'), coalesce(u.fee::text, 'nothing'), b.charge, b.fee)
FROM touched JOIN billing_transaction t ON t.id = touched.id AND t.kind = 'settlement'
LEFT JOIN billing_usagerecord u ON u.transaction_id = t.id
CROSS JOIN LATERAL (
  SELECT coalesce(-sum(e.amount) FILTER (WHERE a.kind = 'buyer_prepaid'), 0) AS charge,
         coalesce(sum(e.amount) FILTER (WHERE a.kind = 'platform_fee'), 0) AS fee
  FROM billing_entry e JOIN billing_account a ON a.id = e.account_id WHERE e.transaction_id = t.id) b
WHERE (u.amount, u.fee) IS DISTINCT FROM (b.charge, b.fee) ORDER BY t.id LIMIT %(limit)s
"""
# All accounts, but only the entries after the last proof: those before are in the proven sums.
WRONG_BALANCES = """
SELECT format('account %%s (%%s of %%s): its balance is %%s micro-units, its entries sum to %%s', a.id, a.kind, a.owner,
              a.posted, coalesce(p.posted, 0) + coalesce(e.posted, 0))
FROM billing_account a
LEFT JOIN billing_provenbalance p ON p.account_id = a.id AND %(after)s > 0
LEFT JOIN (SELECT account_id, sum(amount) AS posted FROM billing_entry WHERE id > %(after)s GROUP BY account_id) e
  ON e.account_id = a.id
WHERE a.posted <> coalesce(p.posted, 0) + coalesce(e.posted, 0) ORDER BY a.id LIMIT %(limit)s
"""
WRONG_HOLDS = """
SELECT format('account %%s (%%s of %%s): %%s micro-units are held, its pending holds sum to %%s', a.id, a.kind, a.owner,
              a.held, coalesce(h.held, 0))
FROM billing_account a
LEFT JOIN (SELECT account_id, sum(amount) AS held FROM billing_hold WHERE state = 'pending' GROUP BY account_id) h
  ON h.account_id = a.id
WHERE a.held <> coalesce(h.held, 0) ORDER BY a.id LIMIT %(limit)s
"""
WRONG_TOTALS = """
SELECT format('all balances in %%s sum to %%s micro-units, not to zero', currency, sum(posted))
FROM billing_account GROUP BY currency HAVING sum(posted) <> 0 ORDER BY currency LIMIT %(limit)s
"""
CHECKS = (UNBALANCED, FOREIGN_CURRENCY, WRONG_USAGE, WRONG_BALANCES, WRONG_HOLDS, WRONG_TOTALS)

EXTEND = """
INSERT INTO billing_provenbalance AS p (account_id, posted)
SELECT account_id, sum(amount) FROM billing_entry WHERE id > %(after)s AND id <= %(through)s GROUP BY account_id
ON CONFLICT (account_id) DO UPDATE SET posted = p.posted + EXCLUDED.posted
"""


@transaction.atomic
def request_proof(*, actor: Actor) -> None:
    """Ask the platform worker for a proof now; asking twice asks for one. Raises NotFound unless an operator asks."""
    actor = policy.require(actor, Action.OPERATE_PROVE_LEDGER)
    _, is_new = Proof.objects.get_or_create(state=ProofState.REQUESTED)
    if is_new:
        audit.record(actor, action="ledger.proof_requested", subject="ledger")


def prove_if_due() -> Proof | None:
    """Run the requested proof, or the next one by the schedule; None if none is due or another process is proving."""
    if not _is_due():
        return None
    return prove()


def prove(*, is_full: bool = False, max_wait_seconds: float = MAX_WAIT_SECONDS) -> Proof | None:
    """Run a proof now; None while another process is proving.

    Args:
        is_full: from the first entry, without what earlier proofs found.
        max_wait_seconds: for transactions that are running now; entries of longer ones are left to a later proof.
    """
    with _proving_alone() as alone:
        return _run(_next_proof(is_full=is_full), max_wait_seconds=max_wait_seconds) if alone else None


def findings_between(after: int, through: int, *, told: Callable[[int], None] = lambda checked: None) -> list[str]:
    """What is wrong, in words, at most `MAX_FINDINGS`; nothing is written.

    Args:
        after: entries up to this one are proven, and their sums kept; 0: none are.
        through: the last entry whose transaction is looked at.
        told: called after each check with their number so far.
    """
    found: list[str] = []
    with connection.cursor() as cursor:
        for number, check in enumerate(CHECKS, start=1):
            cursor.execute(check, {"after": after, "through": through, "limit": MAX_FINDINGS - len(found)})
            found += [text for (text,) in cursor.fetchall()]
            told(number)
    return found


def newest_entry() -> int:
    """The last entry id that was given out, committed or not; 0 before the first."""
    return _value("SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('billing_entry', 'id')::regclass), 0)")


def _is_due() -> bool:
    if Proof.objects.filter(state=ProofState.REQUESTED).exists():
        return True
    newest = Proof.objects.order_by("-id").values_list("created_at", flat=True).first()
    return newest is None or (timezone.now() - newest).total_seconds() >= PROOF_EVERY_SECONDS


@contextmanager
def _proving_alone() -> Iterator[bool]:
    """Whether no other process is proving; none begins to within the block if so."""
    if connection.in_atomic_block:
        raise RuntimeError("a proof needs to see what others commit, so it runs outside of a transaction")
    alone = _value("SELECT pg_try_advisory_lock(hashtextextended('billing.proof', 0))::int") == 1
    try:
        yield alone
    finally:
        if alone:
            _value("SELECT pg_advisory_unlock(hashtextextended('billing.proof', 0))::int")


def _next_proof(*, is_full: bool) -> Proof:
    """The proof to run, with its mark. What another process began and did not end is interrupted."""
    Proof.objects.filter(state=ProofState.RUNNING).update(state=ProofState.INTERRUPTED)
    proof = Proof.objects.filter(state=ProofState.REQUESTED).first() or Proof()
    proof.after = 0 if is_full else proven_through()
    proof.marked = newest_entry()  # before the transaction ids: see above
    proof.marked_xid = _value("SELECT pg_current_xact_id()::text::bigint")
    proof.state, proof.is_full, proof.started_at = ProofState.RUNNING, is_full, timezone.now()
    proof.save()
    return proof


def proven_through() -> int:
    """The last entry that a sound proof covers; 0: none."""
    return Proof.objects.filter(state=ProofState.SOUND).order_by("-id").values_list("through", flat=True).first() or 0


def _run(proof: Proof, *, max_wait_seconds: float) -> Proof:
    began = time.monotonic()
    proof.through = max(_settled_mark(proof, max_wait_seconds), proof.after)

    def told(checked: int) -> None:
        Proof.objects.filter(pk=proof.pk).update(checked=checked)

    proof.findings = findings_between(proof.after, proof.through, told=told)
    proof.checked, proof.totals = len(CHECKS), trial_balance()
    proof.state = ProofState.UNSOUND if proof.findings else ProofState.SOUND
    _keep(proof, began)
    for finding in proof.findings:
        log.error("the ledger is wrong: %s", finding)
    log.info("proof %d of the ledger, entries %d to %d: %s", proof.pk, proof.after + 1, proof.through, proof.state)
    return proof


@transaction.atomic
def _keep(proof: Proof, began: float) -> None:
    """Store the proof, and extend the proven sums if it is sound; old proofs are forgotten."""
    with connection.cursor() as cursor:
        if proof.state == ProofState.SOUND:
            if proof.is_full:
                cursor.execute("DELETE FROM billing_provenbalance")
            cursor.execute(EXTEND, {"after": proof.after, "through": proof.through})
        cursor.execute("SELECT count(*) FROM billing_entry WHERE id > %s AND id <= %s", [proof.after, proof.through])
        (proof.entries,) = cursor.fetchone()
    proof.seconds = time.monotonic() - began
    proof.save()
    Proof.objects.filter(pk__lte=proof.pk - KEPT_PROOFS, findings=[]).delete()


def _settled_mark(proof: Proof, max_wait_seconds: float) -> int:
    """The last entry up to which none can appear any more: the proof's own mark, else that of an earlier one."""
    deadline = time.monotonic() + max_wait_seconds
    while (oldest := _oldest_running()) < proof.marked_xid and time.monotonic() < deadline:
        time.sleep(0.02)
    marks = Proof.objects.filter(marked_xid__lte=oldest, marked_xid__gt=0).order_by("-id")
    return marks.values_list("marked", flat=True).first() or 0


def _oldest_running() -> int:
    """The transaction id before which all transactions have ended."""
    return _value("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")


def _value(sql: str, parameters: Sequence[Any] = ()) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return int(cursor.fetchone()[0])
