"""Runs a batch on a loaded model and reports how each job ended. Only an exit of the process is not caught."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from inference.runtime.adapters.base import Adapter, AdapterClosed, Canceled, Ending, Job, JobFailed, Output, Value

log = logging.getLogger(__name__)

MICROSECONDS = 1_000_000  # in a second
OUT_OF_MEMORY = "The device ran out of memory. Ask for fewer or smaller outputs."
UNLOADED = "The model was unloaded before the run began. Try again."
FAILED = "The model failed on these inputs. Try other values; if it fails again, tell the model's provider."


@dataclass(frozen=True)
class Result:
    """How one job ended: with outputs, with an error, or canceled.

    Attributes:
        outputs: the files that it produced; empty unless it succeeded.
        error: a message for the buyer; `None` unless it failed.
        canceled_at_step: the steps that had been run when it was canceled; `None` unless it was.
        run_seconds: wall time of the batch that it ended in.
        batch_size: the number of jobs of that batch, itself included.
        value: the result of a task that produces no files; else `None`.
        device_microseconds: its share of the batch's run; the shares of a batch add up to the run exactly.
    """

    outputs: tuple[Output, ...]
    error: str | None
    canceled_at_step: int | None
    run_seconds: float
    batch_size: int
    value: Any = None
    device_microseconds: int = 0


def run_batch(adapter: Adapter, jobs: Sequence[Job]) -> list[Result]:
    """Run the jobs as one batch; the result has one entry for each job, in order.

    If the whole batch fails, its jobs are run again: in halves if memory ran out, else each alone once, so that a
    faulty input fails only its own job. Steps are then reported from the first again.
    """
    if not jobs:
        return []
    started = time.perf_counter()
    try:
        endings = adapter.run(jobs)
        if len(endings) != len(jobs):
            raise RuntimeError(f"{type(adapter).__name__} gave {len(endings)} answers to {len(jobs)} jobs.")
    except Exception as error:
        if len(jobs) == 1:
            endings = [error]
        else:
            log.warning("a batch of %d failed and is split", len(jobs), exc_info=error)
            parts = _split(jobs, error)
            del error  # its traceback holds the tensors of the failed run
            return [result for part in parts for result in run_batch(adapter, part)]
    seconds = time.perf_counter() - started
    shares = even_shares(round(seconds * MICROSECONDS), len(jobs))
    return [_result(ending, seconds, share, len(jobs)) for ending, share in zip(endings, shares, strict=True)]


def even_shares(total: int, count: int) -> list[int]:
    """A whole number divided as evenly as whole numbers can be; the shares add up to it."""
    return [total * (place + 1) // count - total * place // count for place in range(count)]


def _split(jobs: Sequence[Job], error: Exception) -> list[Sequence[Job]]:
    if is_out_of_memory(error):
        torch.cuda.empty_cache()  # does nothing where there is no CUDA
        half = (len(jobs) + 1) // 2
        return [jobs[:half], jobs[half:]]
    return [[job] for job in jobs]


def is_out_of_memory(error: Exception) -> bool:
    """Whether memory ran out, on any device; torch has no error class for a failure of its CPU allocator."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "DefaultCPUAllocator" in str(error)


def _result(ending: Ending, seconds: float, device_microseconds: int, batch_size: int) -> Result:
    outputs: tuple[Output, ...] = ()
    message = step = value = None
    if isinstance(ending, Canceled):
        step = ending.step
    elif isinstance(ending, Exception):
        message = _message(ending)
        log.error("a job failed: %s", message, exc_info=ending)
    elif isinstance(ending, Value):
        value = ending.data
    else:
        outputs = tuple(ending)
    return Result(
        outputs=outputs,
        error=message,
        canceled_at_step=step,
        run_seconds=seconds,
        batch_size=batch_size,
        value=value,
        device_microseconds=device_microseconds,
    )


def _message(error: Exception) -> str:
    """The message for the buyer: an allowlist, because an exception's text may quote paths or other buyers' inputs."""
    if isinstance(error, JobFailed):
        return str(error)
    if isinstance(error, AdapterClosed):
        return UNLOADED
    return OUT_OF_MEMORY if is_out_of_memory(error) else FAILED
