"""Runs calls at the same moment, each on a connection of its own."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from django.db import connection, connections

Result = TypeVar("Result")
MAX_CONCURRENT_CALLS = 7  # the pool has eight connections, and the test uses one


def with_own_connection(call: Callable[[], Result]) -> Result:
    """Call with a connection that is opened before and closed after it."""
    try:
        connection.ensure_connection()
        return call()
    finally:
        connections.close_all()


def run_concurrently(calls: Sequence[Callable[[], Result]]) -> list[Result]:
    """Run the calls in concurrent threads and return their results in order.

    Raises:
        Exception: the first call's error, after all have ended.
    """
    assert len(calls) <= MAX_CONCURRENT_CALLS
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], Result]) -> Result:
        start.wait(timeout=20)
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        futures = [threads.submit(with_own_connection, partial(run, call)) for call in calls]
    return [future.result() for future in futures]
