"""The accelerator that this process uses: found, described and set up once, at start."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil
import torch

DeviceKind = Literal["cpu", "cuda", "mps"]

CGROUP_MEMORY_LIMIT = Path("/sys/fs/cgroup/memory.max")


class DeviceUnavailable(Exception):
    """The requested device is not on this machine."""


@dataclass(frozen=True)
class Device:
    """One accelerator. A CPU is one too.

    Attributes:
        kind: "cpu", "cuda" or "mps".
        index: which of several of its kind; 0 for a CPU.
        name: the processor's product name.
        memory_bytes: the limit for weights and activations together.
        torch_device: the name by which torch knows it, such as "cuda:0".
    """

    kind: DeviceKind
    index: int
    name: str
    memory_bytes: int
    torch_device: str


def open_device(*, index: int = 0, threads: int = 0, kind: DeviceKind | None = None) -> Device:
    """Choose the accelerator and set torch up for it; call it once, before any other thread uses torch.

    Args:
        index: which of several GPUs.
        threads: CPU threads of one operation; 0 means one per physical core that this process may use. More than
            that makes operations slower, several-fold on a busy machine.
        kind: require this kind; by default CUDA if available, else the CPU.

    Raises:
        DeviceUnavailable: this machine has no such device.
    """
    torch.set_num_threads(threads or _physical_cores())
    if torch.get_num_interop_threads() != 1:
        torch.set_num_interop_threads(1)
    # This applies to the calling thread only; adapters enter inference mode themselves.
    torch.set_grad_enabled(False)
    # A picture must not depend on which kernel benchmarking chose or on TensorFloat-32's ten bits of mantissa: the same
    # seed gives the same picture within one grey level, alone or in a batch.
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False

    kind = kind or ("cuda" if torch.cuda.is_available() else "cpu")
    if kind == "cuda":
        return _cuda(index)
    if kind == "mps":
        return _mps()
    return Device(kind="cpu", index=0, name=_cpu_name(), memory_bytes=_memory_limit() // 2, torch_device="cpu")


def _cuda(index: int) -> Device:
    count = torch.cuda.device_count()
    if not 0 <= index < count:
        raise DeviceUnavailable(f"There is no CUDA device {index}: this machine shows {count}. Choose another index.")
    properties = torch.cuda.get_device_properties(index)
    torch.cuda.set_device(index)
    return Device(
        kind="cuda",
        index=index,
        name=properties.name,
        memory_bytes=properties.total_memory,
        torch_device=f"cuda:{index}",
    )


def _mps() -> Device:
    if not torch.backends.mps.is_available():
        raise DeviceUnavailable("There is no Metal device on this machine. Leave the kind open to use what there is.")
    return Device(
        kind="mps",
        index=0,
        name=platform.processor() or "Apple GPU",
        memory_bytes=torch.mps.recommended_max_memory(),
        torch_device="mps",
    )


def _physical_cores() -> int:
    """Physical cores that this process may run on, at least 1."""
    cores = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = min(cores, len(os.sched_getaffinity(0)))
    return max(cores, 1)


def _memory_limit() -> int:
    """Bytes of RAM that this process may use. `open_device` gives half of them to models."""
    total = int(psutil.virtual_memory().total)
    try:
        return min(total, int(CGROUP_MEMORY_LIMIT.read_text()))
    except (OSError, ValueError):  # no such file, or "max"
        return total


def _cpu_name() -> str:
    """The processor's model name, or its architecture where the system does not report it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()
