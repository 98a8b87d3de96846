"""Which adapter serves which task and pipeline class."""

from typing import TypeVar

from inference.runtime.adapters.base import Adapter

AdapterClass = TypeVar("AdapterClass", bound=type[Adapter])

_adapters: dict[tuple[str, str], type[Adapter]] = {}


class UnknownTask(Exception):
    """No adapter serves this task with this pipeline class."""


def register(adapter: AdapterClass) -> AdapterClass:
    """Register an adapter class; usable as a decorator.

    Raises:
        ValueError: another adapter is registered for the same task and pipeline class.
    """
    for pipeline_class in sorted(adapter.pipeline_classes):
        known = _adapters.setdefault((adapter.task, pipeline_class), adapter)
        if known is not adapter:
            raise ValueError(f"{adapter.task} with {pipeline_class} is served by {known.__name__} already.")
    return adapter


def adapter_for(task: str, pipeline_class: str) -> type[Adapter]:
    """The adapter class for a task and the pipeline class that a model names.

    Raises:
        UnknownTask: there is none.
    """
    try:
        return _adapters[task, pipeline_class]
    except KeyError:
        known = ", ".join(f"{task} with {pipeline}" for task, pipeline in sorted(_adapters)) or "nothing"
        raise UnknownTask(
            f"No adapter serves {task} with {pipeline_class}. This node can run {known}; "
            "update it, or publish the model with one of these."
        ) from None
