"""Measures the disk's sync time: the lower bound of every durable commit."""

import os
import statistics
import time
from pathlib import Path


def sync_milliseconds(folder: Path, *, writes: int = 50) -> float:
    """Median of `writes` times a write of 4 KB and the `fdatasync` after it, in a file of `folder`."""
    path = folder / "fdatasync"
    sync = getattr(os, "fdatasync", os.fsync)  # macOS has only the latter
    times = []
    handle = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        for _ in range(writes):
            os.write(handle, os.urandom(4096))
            start = time.perf_counter()
            sync(handle)
            times.append((time.perf_counter() - start) * 1000)
    finally:
        os.close(handle)
        path.unlink()
    return statistics.median(times)
