"""Pictures from a prompt, by the Stable Diffusion family of diffusers."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from diffusers import StableDiffusionPipeline

from inference.runtime.adapters.base import Job
from inference.runtime.adapters.registry import register
from inference.runtime.adapters.stable_diffusion import StableDiffusion


@register
class TextToImage(StableDiffusion):
    """One text-to-image model on a device.

    Example:
        >>> model = TextToImage.load(Path("weights/hero"), open_device())
        >>> [[picture]] = model.run([Job(inputs=inputs, on_step=print, canceled=lambda: False)])
        >>> Path("out.png").write_bytes(picture.data)
    """

    task: ClassVar[str] = "text-to-image"
    purpose: ClassVar[str] = "pictures from text"
    pipelines: ClassVar[Mapping[str, Any]] = {"StableDiffusionPipeline": StableDiffusionPipeline}
    pipeline_classes: ClassVar[frozenset[str]] = frozenset(pipelines)
    shared_inputs: ClassVar[tuple[str, ...]] = ("width", "height", "num_inference_steps", "guidance_scale")

    def arguments(self, jobs: Sequence[Job]) -> Mapping[str, Any]:
        """The inputs that the jobs of one call share."""
        return {name: jobs[0].inputs[name] for name in self.shared_inputs}
