"""Background removal by a UNet of diffusers whose one output channel is the logit of each pixel's alpha."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from diffusers import UNet2DModel
from torch.nn import functional

from inference.runtime.adapters.base import Ending, Job
from inference.runtime.adapters.pictures import batches_by_size, decode_each, encode, pixels
from inference.runtime.adapters.registry import register
from inference.runtime.adapters.single_pass import SinglePass, is_finite, overflow


@register
class Matting(SinglePass):
    """One matting model on a device: RGB from -1 to 1 at full resolution in, timestep 0, alpha out."""

    task: ClassVar[str] = "matting"
    pipeline_classes: ClassVar[frozenset[str]] = frozenset({"UNet2DModel"})
    model_class: ClassVar[Any] = UNet2DModel

    def answer(self, model: Any, jobs: Sequence[Job]) -> list[Ending]:
        """Each picture with its background transparent."""
        pictures, endings = decode_each(jobs, pixels)
        for positions, stacked in batches_by_size(pictures):
            for position, result in zip(positions, self._logits(model, stacked), strict=True):
                endings[position] = _cut_out(pictures[position], result, jobs[position])
        return [endings[position] for position in range(len(jobs))]

    def _logits(self, model: Any, pictures: npt.NDArray[np.uint8]) -> torch.Tensor:
        """Shape (batch, height, width), on the CPU."""
        batch = torch.from_numpy(pictures).permute(0, 3, 1, 2).to(self.device.torch_device, torch.float32)
        height, width = batch.shape[2:]
        # Each level of the network halves the picture, so the sides are padded; the padding is cut off afterwards.
        step = 8 * 2 ** (len(model.config.block_out_channels) - 1)
        padded = functional.pad(batch / 127.5 - 1, (0, -width % step, 0, -height % step), mode="replicate")
        logits: torch.Tensor = model(padded, 0).sample[:, 0, :height, :width]
        return logits.cpu()


def _cut_out(picture: npt.NDArray[np.uint8], logits: torch.Tensor, job: Job) -> Ending:
    if not is_finite(logits):
        return overflow()
    alpha = (torch.sigmoid(logits) * 255).round().to(torch.uint8).numpy()
    return [encode(np.dstack([picture, alpha]), job.inputs["output_format"])]
