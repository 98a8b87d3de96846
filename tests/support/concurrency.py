"""Races: calls that begin at the same moment, each on a connection of its own."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from django.db import connection, connections

Result = TypeVar("Result")
MAX_CONCURRENT_CALLS = 7  # the pool holds eight connections, and the test has one


def with_own_connection(call: Callable[[], Result]) -> Result:
    """What a thread runs: the connection is there before the call begins, and given back after it."""
    try:
        connection.ensure_connection()
        return call()
    finally:
        connections.close_all()


def run_concurrently(calls: Sequence[Callable[[], Result]]) -> list[Result]:
    """Run the calls at once in threads of their own and return their results in order.

    Raises:
        Exception: of the first call that raised, after all have ended.
    """
    assert len(calls) <= MAX_CONCURRENT_CALLS
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], Result]) -> Result:
        start.wait(timeout=20)
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        futures = [threads.submit(with_own_connection, partial(run, call)) for call in calls]
    return [future.result() for future in futures]
