"""The same pictures for all compared systems: a plain diffusers pipeline, set up as on a node."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionPipeline

from inference.runtime.device import open_device

DTYPE = torch.float32  # as the node computes


@dataclass(frozen=True)
class Order:
    """One picture to make."""

    prompt: str
    seed: int
    num_inference_steps: int
    guidance_scale: float


def open_pipeline(folder: Path) -> Any:
    """The folder's pipeline on this machine's accelerator, with the node's number of threads."""
    device = open_device()
    pipeline = StableDiffusionPipeline.from_pretrained(str(folder), dtype=DTYPE, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(device.torch_device)


def generate(pipeline: Any, orders: Sequence[Order]) -> list[bytes]:
    """One pipeline call for orders of equal steps and guidance; returns PNG files."""
    with torch.inference_mode():
        images = pipeline(
            prompt=[order.prompt for order in orders],
            generator=[torch.Generator("cpu").manual_seed(order.seed) for order in orders],
            num_inference_steps=orders[0].num_inference_steps,
            guidance_scale=orders[0].guidance_scale,
        ).images
    return [_png(image) for image in images]


def _png(image: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)  # as the node encodes
    return file.getvalue()
