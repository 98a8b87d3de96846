"""One module per task. Importing the package registers them all, and so imports torch and diffusers."""

from inference.runtime.adapters.base import Adapter, AdapterClosed, Canceled, Ending, Job, JobFailed, Output, Value
from inference.runtime.adapters.image_to_image import ImageToImage
from inference.runtime.adapters.matting import Matting
from inference.runtime.adapters.registry import UnknownTask, adapter_for, register
from inference.runtime.adapters.scoring import Scoring
from inference.runtime.adapters.super_resolution import SuperResolution
from inference.runtime.adapters.text_to_image import TextToImage

__all__ = [
    "Adapter",
    "AdapterClosed",
    "Canceled",
    "Ending",
    "ImageToImage",
    "Job",
    "JobFailed",
    "Matting",
    "Output",
    "Scoring",
    "SuperResolution",
    "TextToImage",
    "UnknownTask",
    "Value",
    "adapter_for",
    "register",
]
