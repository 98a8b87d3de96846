"""Pictures from a picture and a prompt, by the Stable Diffusion family of diffusers."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from diffusers import StableDiffusionImg2ImgPipeline
from PIL import Image

from inference.runtime.adapters.base import Ending, Job, JobFailed
from inference.runtime.adapters.pictures import decode
from inference.runtime.adapters.registry import register
from inference.runtime.adapters.stable_diffusion import StableDiffusion, each_output

STEP = 8  # pixels; the autoencoder works on blocks of this size


@register
class ImageToImage(StableDiffusion):
    """One image-to-image model on a device; its results have the size of the picture, cut to whole blocks."""

    task: ClassVar[str] = "image-to-image"
    purpose: ClassVar[str] = "pictures from pictures"
    pipelines: ClassVar[Mapping[str, Any]] = {"StableDiffusionImg2ImgPipeline": StableDiffusionImg2ImgPipeline}
    pipeline_classes: ClassVar[frozenset[str]] = frozenset(pipelines)
    shared_inputs: ClassVar[tuple[str, ...]] = ("num_inference_steps", "guidance_scale", "strength")

    def steps_asked(self, inputs: Mapping[str, Any]) -> int:
        """The last `strength` of the steps, rounded down, and at least one."""
        return max(1, int(int(inputs["num_inference_steps"]) * float(inputs["strength"])))

    def run(self, jobs: Sequence[Job]) -> list[Ending]:
        """Run the jobs as one pipeline call.

        Raises:
            ValueError: the jobs differ in what they must share, or their pictures in size.
            AdapterClosed: the model was unloaded before the batch began.
        """
        try:
            return super().run(jobs)
        except JobFailed as failure:
            if len(jobs) == 1:
                return [failure]
            raise  # the engine runs the jobs one by one, so that only the faulty one fails

    def arguments(self, jobs: Sequence[Job]) -> Mapping[str, Any]:
        """The pictures, steps, guidance and strength of the call. Raises ValueError for pictures of several sizes."""
        pictures = [_whole_blocks(decode(job.files["image"])) for job in jobs]
        if len({picture.size for picture in pictures}) > 1:
            raise ValueError("The pictures of one batch must have the same size.")
        steps, strength = jobs[0].inputs["num_inference_steps"], float(jobs[0].inputs["strength"])
        # The pipeline runs the last `strength` of the steps, rounded down, and fails if that is 0 steps.
        at_least_one = min(1.0, (1 + 1e-6) / steps)
        return {
            "image": each_output(jobs, pictures),
            "num_inference_steps": steps,
            "guidance_scale": jobs[0].inputs["guidance_scale"],
            "strength": max(strength, at_least_one),
        }


def _whole_blocks(picture: Image.Image) -> Image.Image:
    """The picture, centre-cropped to whole blocks."""
    width, height = (side - side % STEP for side in picture.size)
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return Image.fromarray(np.asarray(picture)[top : top + height, left : left + width])
