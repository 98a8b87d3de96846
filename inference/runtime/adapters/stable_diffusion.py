"""The common base of the adapters of the Stable Diffusion family.

Every picture has a generator of its own, on the CPU, so that it depends on its seed and inputs and not on the device's
random numbers or on the rest of the batch.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import torch

from inference.runtime.adapters.base import AdapterClosed, Ending, EveryJobCanceled, Job, JobFailed, StepWatch
from inference.runtime.adapters.pictures import encode
from inference.runtime.device import Device
from inference.runtime.loading import FolderInvalid, load_pipeline, module_bytes, read_index

SEEDS = 2**64


class StableDiffusion(ABC):
    """One pipeline of the family on a device.

    One batch runs at a time, because a pipeline's scheduler keeps the state of the run; `run` and `close` wait for it.

    Class attributes:
        pipelines: the pipeline classes by name.
        shared_inputs: the inputs that must be equal for all jobs of one pipeline call.
    """

    pipelines: ClassVar[Mapping[str, Any]]
    shared_inputs: ClassVar[tuple[str, ...]]
    purpose: ClassVar[str]

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline
        self._weight_bytes = module_bytes(pipeline.components.values())
        self._lock = threading.Lock()

    @classmethod
    def load(cls, folder: Path, device: Device) -> Self:
        """Load the weights in `folder` onto `device`, without using the network.

        Raises:
            FolderInvalid: the folder is not one of the pipelines of this task.
        """
        name = str(read_index(folder).get("_class_name"))
        if name not in cls.pipelines:
            raise FolderInvalid(f"{name} makes no {cls.purpose}; use one of {', '.join(sorted(cls.pipelines))}.")
        return cls(load_pipeline(cls.pipelines[name], folder, device))

    @abstractmethod
    def arguments(self, jobs: Sequence[Job]) -> Mapping[str, Any]:
        """The arguments of the pipeline call besides prompts, generators and callbacks.

        Raises:
            JobFailed: a job's inputs cannot be used.
        """

    def steps_asked(self, inputs: Mapping[str, Any]) -> int:
        """Denoising steps that a call asks for."""
        return int(inputs["num_inference_steps"])

    def run(self, jobs: Sequence[Job]) -> list[Ending]:
        """Run the jobs, which share `shared_inputs`, as one pipeline call.

        Raises:
            ValueError: the jobs differ in an input of `shared_inputs`.
            AdapterClosed: the model was unloaded before the batch began.
        """
        for name in self.shared_inputs:
            if any(job.inputs[name] != jobs[0].inputs[name] for job in jobs):
                raise ValueError(f"The jobs of one batch must have the same {name}.")
        with self._lock:
            if self._pipeline is None:
                raise AdapterClosed("The model was unloaded before the batch began; load it again.")
            watch = StepWatch(jobs)
            wanted = watch.running
            try:
                pictures = self._generate([jobs[position] for position in wanted], watch) if wanted else []
            except EveryJobCanceled:
                pictures = []
        by_position = dict(zip(wanted, pictures, strict=False))
        return [
            watch.canceled.get(position)
            # Some schedulers evaluate a step twice; a call's steps are those that it asked for.
            or encode_all(job, by_position[position], steps=min(watch.steps_run, self.steps_asked(job.inputs)))
            for position, job in enumerate(jobs)
        ]

    def weight_bytes(self) -> int:
        """Bytes that the weights take on the device."""
        return self._weight_bytes

    def close(self) -> None:
        """Free the memory, after a running batch has ended. A second call does nothing."""
        with self._lock:
            self._pipeline = None
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _generate(self, jobs: Sequence[Job], watch: StepWatch) -> list[npt.NDArray[np.float32]]:
        """The pictures of each job: floats in 0…1 of shape (outputs, height, width, 3)."""
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
                prompt=each_output(jobs, [job.inputs["prompt"] for job in jobs]),
                negative_prompt=each_output(jobs, [job.inputs["negative_prompt"] for job in jobs]),
                generator=generators,
                output_type="np",
                callback_on_step_end=stepped,
                callback_on_step_end_tensor_inputs=[],
                **self.arguments(jobs),
            ).images
        ends = np.cumsum([job.inputs["num_outputs"] for job in jobs])
        return np.split(pictures, ends[:-1])


def each_output(jobs: Sequence[Job], values: Sequence[Any]) -> list[Any]:
    """The value of each job, repeated for each of the job's outputs."""
    return [value for job, value in zip(jobs, values, strict=True) for _ in range(job.inputs["num_outputs"])]


def encode_all(job: Job, pictures: npt.NDArray[np.float32], *, steps: int) -> Ending:
    """A job's pictures, made by so many steps, as files in the requested format."""
    if not np.isfinite(pictures).all():
        return JobFailed("The model's numbers overflowed, so there is no picture. Try less guidance or another seed.")
    whole = (pictures * 255).round().astype(np.uint8)
    return [encode(picture, job.inputs["output_format"], steps=steps) for picture in whole]
