"""Tells a pipeline of components from a folder with a single model."""

from collections.abc import Mapping
from typing import Any

from providers.tasks.base import Components, Task
from providers.validation.pipeline import INDEX, read_pipeline
from providers.validation.single import CONFIG, read_single
from providers.validation.source import Source


def read_configurations(files: Mapping[str, Source], *, defaults: Mapping[str, Any]) -> tuple[Task, Components]:
    """The task that the folder is for, and its components' configurations.

    Raises:
        FolderRefused: as `read_pipeline` and `read_single` say.
    """
    if CONFIG in files and INDEX not in files:
        return read_single(files, defaults=defaults)
    return read_pipeline(files, defaults=defaults)
