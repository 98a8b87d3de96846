"""Checks that a folder is a single model of an allowed class, with `config.json` at its root."""

from collections.abc import Mapping
from typing import Any

from marketplace.core.problems import FieldError
from providers import tasks
from providers.tasks.base import Components, Task
from providers.validation.pipeline import check_json_files, read_json
from providers.validation.refusal import FolderRefused
from providers.validation.source import Source

CONFIG = "config.json"
WEIGHTS = {"diffusers": "diffusion_pytorch_model", "transformers": "model"}  # as each library names them


def read_single(files: Mapping[str, Source], *, defaults: Mapping[str, Any]) -> tuple[Task, Components]:
    """The task that the folder's model is for, and its configurations.

    Raises:
        FolderRefused: a class that is not on the allow list, or a file that it cannot be run without is missing.
    """
    config = read_json(CONFIG, files[CONFIG])
    model_class = _class_of(config)
    task = tasks.task_of_model(model_class) if model_class is not None else None
    if task is None or model_class is None:
        known = ", ".join(tasks.model_classes())
        raise FolderRefused(
            [FieldError(CONFIG, f"names {str(model_class)[:80]}; a model alone must be one of: {known}")]
        )
    single = task.single_models[model_class]
    errors = [
        FieldError(group[0], f"is missing; {model_class} cannot be run without it")
        for group in (*single.needs, _weights_of(single.library))
        if not any(path in files for path in group)
    ]
    if nested := sorted(path for path in files if path.endswith(".safetensors") and "/" in path):
        errors.append(FieldError(nested[0], f"is not part of {model_class}; a model's weights lie beside {CONFIG}"))
    if errors:
        raise FolderRefused(errors)
    check_json_files(files)
    configs = {"model": config}
    for name, paths in (
        ("image_processor", ("processor_config.json", "preprocessor_config.json")),
        ("tokenizer", ("tokenizer_config.json",)),
    ):
        for path in paths:
            if path in files:
                found = read_json(path, files[path])
                nested_config = found.get(name)  # a processor's configuration holds that of its parts
                configs[name] = nested_config if isinstance(nested_config, dict) else found
    return task, Components(model_class, {"model": (single.library, model_class)}, configs, defaults)


def _class_of(config: Mapping[str, Any]) -> str | None:
    """The model's class: diffusers writes `_class_name`, transformers a list of one under `architectures`."""
    found = config.get("_class_name")
    if found is None:
        named = config.get("architectures")
        found = named[0] if isinstance(named, list) and len(named) == 1 else None
    return found if isinstance(found, str) else None


def _weights_of(library: str) -> tuple[str, ...]:
    stem = f"{WEIGHTS[library]}.safetensors"
    return stem, f"{stem}.index.json"
