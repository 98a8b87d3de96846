"""Opening a device."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import torch

from inference.runtime.device import DeviceUnavailable, open_device


def test_a_cpu_is_described_and_half_of_its_memory_is_for_models():
    device = open_device(kind="cpu", threads=1)
    assert (device.kind, device.index, device.torch_device) == ("cpu", 0, "cpu")
    assert device.name
    assert 0 < device.memory_bytes <= psutil.virtual_memory().total // 2
    assert torch.get_num_threads() == 1
    assert torch.get_num_interop_threads() == 1
    assert not torch.is_grad_enabled()


def test_by_default_there_are_as_many_threads_as_cores_for_this_process():
    open_device(kind="cpu")
    assert 1 <= torch.get_num_threads() <= len(os.sched_getaffinity(0))
    open_device(kind="cpu", threads=1)


def test_a_device_that_is_not_there_is_named():
    with pytest.raises(DeviceUnavailable, match="no CUDA device 99"):
        open_device(kind="cuda", index=99)


@pytest.mark.slow
def test_the_cache_needs_no_torch_and_the_hub_is_off_before_any_library_is_imported():
    code = (
        "import sys, os, inference.runtime.cache; assert 'torch' not in sys.modules;"
        "import inference.runtime.adapters, huggingface_hub.constants as constants; assert constants.HF_HUB_OFFLINE;"
        "assert not any(name.split('.')[0] in ('django', 'celery') for name in sys.modules)"
    )
    root = Path(__file__).parents[4]
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, cwd=root, timeout=60)


@pytest.mark.slow
def test_a_folder_can_be_tried_by_hand(weights, tmp_path):
    root, out = Path(__file__).parents[4], tmp_path / "out.png"
    command = [
        sys.executable,
        "-m",
        "inference.runtime",
        str(weights / "workhorse"),
        "a red star",
        str(out),
        "--steps",
        "1",
    ]
    done = subprocess.run(
        [*command, "--threads", "1"], check=True, cwd=root, timeout=60, capture_output=True, text=True
    )
    loaded, wrote = done.stdout.splitlines()
    assert loaded.startswith("loaded 11,048,332 bytes onto ")
    assert wrote.startswith(f"wrote {out} after ")
    assert done.stderr == ""
    assert out.read_bytes().startswith(b"\x89PNG")
