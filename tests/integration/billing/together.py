"""Races: calls that begin at the same moment, each on a connection of its own."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection, connections

Result = TypeVar("Result")
MOST = 7  # the pool holds eight connections, and the test has one


def together(calls: Sequence[Callable[[], Result]]) -> list[Result]:
    """Run the calls at once in threads of their own and return their results in order.

    Raises:
        Exception: of the first call that raised, after all have ended.
    """
    assert len(calls) <= MOST
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], Result]) -> Result:
        try:
            connection.ensure_connection()
            start.wait(timeout=20)
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as threads:
        futures = [threads.submit(run, call) for call in calls]
    return [future.result() for future in futures]
