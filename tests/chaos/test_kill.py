"""`kill -9` of each process of a market in turn, under load: nothing acknowledged is lost, nothing is paid twice."""

import itertools
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psutil
import pytest

from marketplace.core.ids import parse_short
from tests.support.market import Market, start_market
from tests.support.services import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("chaos"), pytest.mark.timeout(600)]

# The part of each process's command line that identifies it.
PROCESSES = {
    "node": "--queues=placement",
    "web": "uvicorn",
    "platform": "--queues=platform",
    "beat": "--schedule=",
    "redis": "redis-server",
    "postgres": "bin/postgres",
}
CALLERS = 3


class Load:
    """Callers that keep requesting pictures and record which predictions were acknowledged."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.acknowledged: set[str] = set()
        self.refusals: set[int] = set()
        self._stop = threading.Event()
        self._numbers = itertools.count()
        self._threads = [threading.Thread(target=self._call, args=(number,)) for number in range(CALLERS)]

    @contextmanager
    def running(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join(timeout=90)
            assert not any(thread.is_alive() for thread in self._threads)

    def _call(self, number: int) -> None:
        # One caller waits for its results, the others only for the acknowledgement.
        headers = {"Authorization": f"Bearer {self.market.demo['buyer']['api_key']}"}
        headers |= {"Prefer": "wait=5"} if number == 0 else {}
        url = f"{self.market.base_url}/v1/models/{self.market.demo['models'][1]}/predictions"
        with httpx.Client(headers=headers, timeout=30) as http:
            while not self._stop.wait(0.1):
                inputs = {"prompt": "a red star", "seed": next(self._numbers), "num_inference_steps": 1}
                try:
                    answer = http.post(url, json={"input": inputs})
                except httpx.TransportError:
                    continue  # the connection broke: nothing was acknowledged
                if answer.status_code in (201, 202):
                    self.acknowledged.add(answer.json()["id"])
                else:
                    self.refusals.add(answer.status_code)


def process_of(market: Market, name: str) -> psutil.Process | None:
    """The market's live process of this name."""
    for child in psutil.Process(market.supervisor.pid).children():
        try:
            if child.status() != psutil.STATUS_ZOMBIE and PROCESSES[name] in " ".join(child.cmdline()):
                return child
        except psutil.NoSuchProcess:
            continue
    return None


def test_killing_each_process_loses_nothing_and_settles_nothing_twice(tmp_path_factory: pytest.TempPathFactory):
    with start_market(tmp_path_factory.mktemp("fragile")) as market:
        load = Load(market)
        with load.running():
            for name in PROCESSES:
                count = len(load.acknowledged)
                wait_until(lambda count=count: len(load.acknowledged) > count + 5, "load before the kill", seconds=60)
                victim = process_of(market, name)
                assert victim is not None, f"{name} is not running"
                victim.send_signal(signal.SIGKILL)

                def is_back(name: str = name, old: int = victim.pid) -> bool:
                    successor = process_of(market, name)
                    return successor is not None and successor.pid != old and market.is_healthy()

                wait_until(is_back, f"{name} after kill -9", seconds=90)

        assert load.refusals <= {500, 503}, "a refusal must say that the fault is ours"
        with market.connect() as connection:
            unfinished = "SELECT count(*) FROM inference_prediction WHERE status IN ('starting', 'processing')"
            wait_until(lambda: connection.execute(unfinished).fetchone() == (0,), "all work to end", seconds=120)
            states = connection.execute(
                """
                SELECT p.status, p.amount_charged, h.state, h.posted_amount, count(u.id), coalesce(sum(u.amount), 0)
                FROM inference_prediction p JOIN billing_hold h ON h.id = p.id
                LEFT JOIN billing_usagerecord u ON u.hold_id = h.id
                WHERE p.origin = 'api' GROUP BY p.id, h.id
                """
            ).fetchall()
            promised = [parse_short(id_) for id_ in load.acknowledged]
            kept = connection.execute(
                "SELECT count(*) FROM inference_prediction WHERE id = ANY (%s) AND status = 'succeeded'", [promised]
            ).fetchone()
            wrong = connection.execute(
                """
                SELECT count(*) FROM billing_account a
                WHERE a.held <> coalesce((SELECT sum(h.amount) FROM billing_hold h JOIN billing_outcome o ON o.id = h.id
                                          WHERE h.account_id = a.id AND o.state = 'observing'), 0)
                   OR a.posted <> coalesce((SELECT sum(e.amount) FROM billing_entry e WHERE e.account_id = a.id), 0)
                """
            ).fetchone()
        assert kept == (len(promised),)
        assert wrong == (0,)
        for status, charged, hold, posted, times, used in states:
            assert (status, hold, times) == ("succeeded", "posted", 1)
            assert charged == posted == used == 1_000
