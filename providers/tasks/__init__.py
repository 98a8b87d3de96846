"""The tasks that models may be published for, by name."""

from importlib import import_module

from django.conf import settings

from providers.tasks.base import Task
from providers.tasks.image_to_image import ImageToImage
from providers.tasks.matting import Matting
from providers.tasks.scoring import Scoring
from providers.tasks.super_resolution import SuperResolution
from providers.tasks.text_to_image import TextToImage

_tasks: dict[str, Task] = {}


def register(task: Task) -> None:
    _tasks[task.name] = task


def task_named(name: str) -> Task:
    """Raises KeyError if no such task is registered."""
    return _tasks[name]


def task_names() -> list[str]:
    """The names of all tasks, sorted."""
    return sorted(_tasks)


def task_of_pipeline(pipeline_class: str) -> Task | None:
    """The task that runs this class of pipeline, or None if none does."""
    return next((task for task in _tasks.values() if pipeline_class in task.allowed_classes), None)


def pipeline_classes() -> list[str]:
    return sorted(name for task in _tasks.values() for name in task.allowed_classes)


def task_of_model(model_class: str) -> Task | None:
    """The task that runs a folder with this one model, or None if none does."""
    return next((task for task in _tasks.values() if model_class in task.single_models), None)


def model_classes() -> list[str]:
    return sorted(name for task in _tasks.values() for name in task.single_models)


def register_all() -> None:
    """Register Bourse's own tasks and those of the modules in `EXTRA_TASKS`, which call `register` on import."""
    for task in (TextToImage(), ImageToImage(), Matting(), SuperResolution(), Scoring()):
        register(task)
    for module in settings.EXTRA_TASKS:
        import_module(module)
