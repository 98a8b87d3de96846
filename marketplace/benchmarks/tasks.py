"""What the platform worker does for benchmarks."""

import uuid

from celery import shared_task

from marketplace.benchmarks.services import rounds


@shared_task(name=rounds.ADVANCE_TASK)
def advance(benchmark_id: str) -> None:
    """Take one benchmark a step further."""
    rounds.advance(benchmark_id=uuid.UUID(benchmark_id))


@shared_task(name="benchmarks.sweep")
def sweep() -> None:
    """Take up what a crash or a lost message left."""
    for benchmark_id in rounds.unfinished():
        rounds.advance(benchmark_id=benchmark_id)
