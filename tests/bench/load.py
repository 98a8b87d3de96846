"""Closed-loop load: each caller sends its next request when the last one is answered."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

Call = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Load:
    """The measurements of one round of load. Latencies in milliseconds, in the order of the answers."""

    latencies: Sequence[float]
    seconds: float

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile(self, percent: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


async def run(calls: Sequence[Call], *, each: int | None = None, seconds: float = 60.0) -> Load:
    """Run the callers concurrently, until each has made `each` calls or the time is over."""
    latencies: list[float] = []
    start = time.perf_counter()

    async def caller(call: Call) -> None:
        made = 0
        while (each is None or made < each) and time.perf_counter() - start < seconds:
            before = time.perf_counter()
            await call()
            latencies.append((time.perf_counter() - before) * 1000)
            made += 1

    await asyncio.gather(*(caller(call) for call in calls))
    return Load(latencies, time.perf_counter() - start)
