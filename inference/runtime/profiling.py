"""Measures a run: its floating-point operations and its peak memory."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import torch
from torch.utils.flop_counter import FlopCounterMode

from inference.runtime.device import Device

CLEAR_REFS = Path("/proc/self/clear_refs")
RESET_PEAK = "5"  # proc(5): resets the process's peak resident set size
STATUS = Path("/proc/self/status")


class Peak:
    """Peak memory in bytes above the level before the run; None where this machine cannot measure it."""

    bytes: int | None = None


def count_flops(run: Callable[[], object]) -> int:
    """Floating-point operations of `run` on this thread: two for each multiply-add of matrix products and
    convolutions, attention included, as `torch.utils.flop_counter` counts them. Element-wise work is left out.
    """
    with FlopCounterMode(display=False) as counter:
        run()
    return int(counter.get_total_flops())


@contextmanager
def peak_memory(device: Device) -> Iterator[Peak]:
    """Measures the peak memory of the block: the device's on a GPU, the process's on a CPU."""
    peak = Peak()
    if device.kind == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        yield peak
        peak.bytes = torch.cuda.max_memory_allocated() - before
        return
    gc.collect()
    known = _reset_resident_peak()
    before = psutil.Process().memory_info().rss
    yield peak
    peak.bytes = max(0, _resident_peak() - before) if known else None


def _reset_resident_peak() -> bool:
    """Reset the kernel's record of peak memory; false where that is not possible (only Linux has it)."""
    try:
        CLEAR_REFS.write_text(RESET_PEAK)
    except OSError:
        return False
    return True


def _resident_peak() -> int:
    """Bytes of the process's largest resident set since the reset."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024
