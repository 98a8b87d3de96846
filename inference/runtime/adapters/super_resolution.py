"""Larger pictures by Swin2SR of transformers."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from transformers import Swin2SRForImageSuperResolution

from inference.runtime.adapters.base import Ending, Job
from inference.runtime.adapters.pictures import batches_by_size, decode_each, encode, pixels
from inference.runtime.adapters.registry import register
from inference.runtime.adapters.single_pass import SinglePass, is_finite, overflow


@register
class SuperResolution(SinglePass):
    """One upscaler on a device. Input: RGB from 0 to 1; output: the same at a multiple of its size."""

    task: ClassVar[str] = "super-resolution"
    pipeline_classes: ClassVar[frozenset[str]] = frozenset({"Swin2SRForImageSuperResolution"})
    model_class: ClassVar[Any] = Swin2SRForImageSuperResolution

    def answer(self, model: Any, jobs: Sequence[Job]) -> list[Ending]:
        """Each picture enlarged."""
        pictures, endings = decode_each(jobs, pixels)
        for positions, stacked in batches_by_size(pictures):
            for position, result in zip(positions, self._enlarge(model, stacked), strict=True):
                endings[position] = _encoded(result, jobs[position])
        return [endings[position] for position in range(len(jobs))]

    def _enlarge(self, model: Any, pictures: npt.NDArray[np.uint8]) -> torch.Tensor:
        """Shape (batch, height, width, 3), on the CPU."""
        height, width = pictures.shape[1:3]
        # Padded to whole windows by mirroring, as the library's own processor does; the padding is cut off afterwards.
        window, factor = model.config.window_size, model.config.upscale
        padded = np.pad(pictures, ((0, 0), (0, -height % window), (0, -width % window), (0, 0)), mode="symmetric")
        batch = torch.from_numpy(padded).permute(0, 3, 1, 2).to(self.device.torch_device, torch.float32)
        enlarged: torch.Tensor = model(pixel_values=batch / 255).reconstruction[
            ..., : height * factor, : width * factor
        ]
        return enlarged.permute(0, 2, 3, 1).cpu()


def _encoded(result: torch.Tensor, job: Job) -> Ending:
    if not is_finite(result):
        return overflow()
    picture = (result.clamp(0, 1) * 255).round().to(torch.uint8).numpy()
    return [encode(picture, job.inputs["output_format"])]
