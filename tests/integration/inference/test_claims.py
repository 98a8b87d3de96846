"""Claiming: which predictions a node gets, and that no two nodes get the same one."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection, transaction

from inference.domain.lifecycle import LEASE_SECONDS, Status
from inference.worker.claims import claim, renew
from tests.support.concurrency import run_concurrently, with_own_connection
from tests.support.inference_market import call, claim_all, make_buyer, make_node, make_priced_model, row, status_of
from tests.support.ledger import rows
from tests.support.services import home, wait_until

pytestmark = pytest.mark.usefixtures("database")


def test_the_oldest_come_first_up_to_the_limit():
    buyer, sale, node = make_buyer(), make_priced_model(), make_node()
    ids = [call(buyer, sale) for _ in range(5)]
    claimed, more = claim(node=node, device="test", version=sale.target.version, limit=3)
    assert (sorted(one.id for one in claimed), more) == (ids[:3], True)
    claimed, more = claim(node=node, device="test", version=sale.target.version, limit=3)
    assert (sorted(one.id for one in claimed), more) == (ids[3:], False)
    assert claim(node=node, device="test", version=sale.target.version, limit=3) == ([], False)


def test_a_claim_is_recorded_with_its_lease():
    buyer, sale, node = make_buyer(), make_priced_model(), make_node()
    id_ = call(buyer, sale, num_outputs=2)
    (claimed,) = claim_all(sale, node)
    assert (claimed.attempt, claimed.quantity, claimed.price_id) == (1, 2, sale.target.terms.id)
    assert (claimed.input["prompt"], claimed.input["num_outputs"]) == ("x", 2)
    stored = row(id_)
    assert (stored.status, stored.attempt, stored.node_id, stored.device) == (Status.PROCESSING, 1, node, "test")
    assert stored.lease_until - stored.started_at == timedelta(seconds=LEASE_SECONDS)


def test_one_claim_takes_one_kind_of_batch():
    buyer, sale, node = make_buyer(), make_priced_model(), make_node()
    small, large = {"width": 64, "height": 64}, {"width": 128, "height": 128}
    ids = [call(buyer, sale, **size) for size in (large, small, large, small, small)]
    claimed, more = claim(node=node, device="test", version=sale.target.version, limit=8)
    assert (sorted(one.id for one in claimed), more) == ([ids[0], ids[2]], True)
    claimed, more = claim(node=node, device="test", version=sale.target.version, limit=8)
    assert (sorted(one.id for one in claimed), more) == ([ids[1], ids[3], ids[4]], False)


def test_a_claim_takes_one_version_only():
    buyer, mine, other = make_buyer(), make_priced_model(), make_priced_model()
    id_ = call(buyer, other)
    assert claim_all(mine, make_node()) == []
    assert status_of(id_) is Status.STARTING


def test_concurrent_nodes_claim_different_predictions():
    buyer, sale = make_buyer(), make_priced_model()
    ids = [call(buyer, sale, width=64 if number % 3 else 128) for number in range(24)]

    def take(node: str) -> list[object]:
        taken: list[object] = []
        while claimed := claim_all(sale, node, limit=2):
            taken += [one.id for one in claimed]
        return taken

    nodes = [make_node() for _ in range(4)]
    taken = run_concurrently([partial(take, node) for node in nodes])
    every = [id_ for one in taken for id_ in one]
    assert len(every) == len(set(every))
    assert sorted(every) == ids
    for node, one in zip(nodes, taken, strict=True):
        assert {row(id_).node_id for id_ in one} <= {node}
    assert {row(id_).attempt for id_ in ids} == {1}


def test_a_node_gets_the_next_batch_while_another_still_takes_the_first():
    buyer, sale, node = make_buyer(), make_priced_model(), make_node()
    first = [call(buyer, sale, width=64) for _ in range(2)]
    second = [call(buyer, sale, width=128) for _ in range(2)]
    url = home.postgres_url(user=settings.SERVING_ROLE, database=settings.DATABASE_NAME)
    with psycopg.connect(url) as other:
        found = other.execute(
            "SELECT id FROM inference_claim(%s, 'test', %s, 8, 20)", [make_node(), sale.target.version]
        ).fetchall()
        assert sorted(id_ for (id_,) in found) == first  # and has not committed yet
        assert sorted(one.id for one in claim_all(sale, node)) == second


def test_a_rolled_back_claim_leaves_its_predictions_waiting():
    buyer, sale, node = make_buyer(), make_priced_model(), make_node()
    id_ = call(buyer, sale)
    with transaction.atomic():
        assert len(claim_all(sale, node)) == 1
        transaction.set_rollback(True)
    assert (status_of(id_), row(id_).attempt) == (Status.STARTING, 0)
    assert [one.attempt for one in claim_all(sale, node)] == [1]


def test_only_ones_own_running_predictions_are_renewed():
    buyer, sale, node = make_buyer(), make_priced_model(), make_node()
    mine, waiting = call(buyer, sale, width=64), call(buyer, sale, width=128)
    claim_all(sale, node)
    assert renew(node=node, ids=[mine, waiting]) == ({mine}, set())
    assert renew(node=make_node(), ids=[mine, waiting]) == (set(), set())


def test_leases_are_renewed_in_the_order_of_ids():
    """The same order as in completions; otherwise a heartbeat and a completion of one node could deadlock."""
    buyer, sale, node = make_buyer(), make_priced_model(), make_node()
    first, *rest = [call(buyer, sale) for _ in range(6)]
    claim_all(sale, node)
    for id_ in [*rest, first]:
        renew(node=node, ids=[id_])  # the first row now lies behind the others

    def renew_all() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET enable_indexscan = off")
        try:
            renew(node=node, ids=[first, *rest])
        finally:
            connection.cursor().execute("RESET enable_indexscan")

    with ThreadPoolExecutor(1) as heartbeat, transaction.atomic():
        lock = "SELECT id FROM inference_prediction WHERE id = ANY (%s) ORDER BY id FOR UPDATE NOWAIT"
        rows(lock, [first])
        waiting = heartbeat.submit(with_own_connection, renew_all)
        (me,) = rows("SELECT pg_backend_pid()")
        blocked = "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))"
        wait_until(lambda: rows(blocked, *me) == [(1,)], "the heartbeat to wait", seconds=10)
        try:
            with transaction.atomic():
                free = rows(lock, rest)
        except OperationalError:
            free = []
    waiting.result()
    assert len(free) == len(rest)
