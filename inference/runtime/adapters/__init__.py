"""One module per task. Importing the package registers them all, and so imports torch and diffusers."""

from inference.runtime.adapters.base import Adapter, AdapterClosed, Canceled, Job, JobFailed, Output
from inference.runtime.adapters.registry import UnknownTask, adapter_for, register
from inference.runtime.adapters.text_to_image import TextToImage

__all__ = [
    "Adapter",
    "AdapterClosed",
    "Canceled",
    "Job",
    "JobFailed",
    "Output",
    "TextToImage",
    "UnknownTask",
    "adapter_for",
    "register",
]
