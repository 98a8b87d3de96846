"""Pictures from a prompt, by the Stable Diffusion family of diffusers.

Every picture has a generator of its own, on the CPU, so that it depends on its seed and inputs and not on the device's
random numbers or on its neighbours in the batch.
"""

import io
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import torch
from diffusers import StableDiffusionPipeline
from PIL import Image

from inference.runtime.adapters.base import AdapterClosed, EveryJobCanceled, Job, JobFailed, Output, StepWatch
from inference.runtime.adapters.registry import register
from inference.runtime.device import Device
from inference.runtime.loading import FolderInvalid, load_pipeline, module_bytes, read_index

PIPELINES: dict[str, Any] = {"StableDiffusionPipeline": StableDiffusionPipeline}

# What one pipeline call has in common; the rest is each job's own.
SHARED_INPUTS = ("width", "height", "num_inference_steps", "guidance_scale")

SEEDS = 2**64


@dataclass(frozen=True)
class Encoding:
    """How an output format is written: Pillow's name and options, and the media type."""

    pillow: str
    media_type: str
    options: dict[str, Any]


ENCODINGS = {
    # The lowest level costs 1 ms less a picture than the default and a few kilobytes more.
    "png": Encoding("PNG", "image/png", {"compress_level": 1}),
    "webp": Encoding("WEBP", "image/webp", {"quality": 90, "method": 4}),
    # Without chroma subsampling, which would smear the edges between strong colours.
    "jpg": Encoding("JPEG", "image/jpeg", {"quality": 92, "subsampling": 0}),
}


@register
class TextToImage:
    """One text-to-image model on a device.

    One batch runs at a time, because a pipeline's scheduler keeps the state of the run; `run` and `close` wait for it.

    Example:
        >>> model = TextToImage.load(Path("weights/hero"), open_device())
        >>> [[picture]] = model.run([Job(inputs=inputs, on_step=print, canceled=lambda: False)])
        >>> Path("out.png").write_bytes(picture.data)
    """

    task: ClassVar[str] = "text-to-image"
    pipeline_classes: ClassVar[frozenset[str]] = frozenset(PIPELINES)

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline
        self._weight_bytes = module_bytes(pipeline)
        self._lock = threading.Lock()

    @classmethod
    def load(cls, folder: Path, device: Device) -> Self:
        """Read the weights in `folder` onto `device`, without the network.

        Raises:
            FolderInvalid: the folder is not one of the pipelines of this task.
        """
        name = read_index(folder).get("_class_name")
        if name not in PIPELINES:
            raise FolderInvalid(f"{name} makes no pictures from text; use one of {', '.join(sorted(PIPELINES))}.")
        return cls(load_pipeline(PIPELINES[name], folder, device))

    def run(self, jobs: Sequence[Job]) -> list[list[Output] | Exception]:
        """Run the jobs, which share size, steps and guidance, as one pipeline call.

        Raises:
            ValueError: the jobs differ in what they must share.
            AdapterClosed: the model was unloaded before the batch began.
        """
        for name in SHARED_INPUTS:
            if len({job.inputs[name] for job in jobs}) > 1:
                raise ValueError(f"The jobs of one batch must have the same {name}.")
        with self._lock:
            if self._pipeline is None:
                raise AdapterClosed("The model was unloaded before the batch began; load it again.")
            watch = StepWatch(jobs)
            wanted = watch.running
            try:
                pictures = self._paint([jobs[position] for position in wanted], watch) if wanted else []
            except EveryJobCanceled:
                pictures = []
        by_position = dict(zip(wanted, pictures, strict=False))
        return [
            watch.canceled.get(position) or _encode(job, by_position[position]) for position, job in enumerate(jobs)
        ]

    def weight_bytes(self) -> int:
        """Bytes that the weights take on the device."""
        return self._weight_bytes

    def close(self) -> None:
        """Give the memory back, after a running batch has ended. A second call does nothing."""
        with self._lock:
            self._pipeline = None
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _paint(self, jobs: Sequence[Job], watch: StepWatch) -> list[npt.NDArray[np.float32]]:
        """The pictures of each job: floats in 0…1 of shape (outputs, height, width, 3)."""
        prompts = [job.inputs["prompt"] for job in jobs for _ in range(job.inputs["num_outputs"])]
        negatives = [job.inputs["negative_prompt"] for job in jobs for _ in range(job.inputs["num_outputs"])]
        generators = [
            torch.Generator(device="cpu").manual_seed((job.inputs["seed"] + number) % SEEDS)
            for job in jobs
            for number in range(job.inputs["num_outputs"])
        ]

        def stepped(pipeline: Any, step: int, _timestep: Any, _tensors: dict[str, Any]) -> dict[str, Any]:
            watch.stepped(step + 1, pipeline.num_timesteps)
            return {}

        with torch.inference_mode():
            pictures = self._pipeline(
                prompt=prompts,
                negative_prompt=negatives,
                generator=generators,
                output_type="np",
                callback_on_step_end=stepped,
                callback_on_step_end_tensor_inputs=[],
                **{name: jobs[0].inputs[name] for name in SHARED_INPUTS},
            ).images
        ends = np.cumsum([job.inputs["num_outputs"] for job in jobs])
        return np.split(pictures, ends[:-1])


def _encode(job: Job, pictures: npt.NDArray[np.float32]) -> list[Output] | Exception:
    """Each picture as a file without metadata; the same picture always gives the same bytes."""
    if not np.isfinite(pictures).all():
        return JobFailed("The model's numbers overflowed, so there is no picture. Try less guidance or another seed.")
    encoding = ENCODINGS[job.inputs["output_format"]]
    outputs = []
    for picture in (pictures * 255).round().astype(np.uint8):
        file = io.BytesIO()
        Image.fromarray(picture).save(file, encoding.pillow, **encoding.options)
        height, width = picture.shape[:2]
        outputs.append(Output(data=file.getvalue(), media_type=encoding.media_type, width=width, height=height))
    return outputs
