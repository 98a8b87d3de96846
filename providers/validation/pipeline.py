"""Checks that a folder is a diffusers pipeline of allowed classes that runs without code of its own."""

import json
from collections.abc import Mapping
from typing import Any

from marketplace.core.problems import FieldError
from providers import tasks
from providers.tasks.base import Components, Task
from providers.validation.refusal import FolderRefused
from providers.validation.source import Source

INDEX = "model_index.json"
CONFIG_NAMES = ("config.json", "scheduler_config.json", "tokenizer_config.json")
RUNS_CODE = {"auto_map", "custom_pipelines", "trust_remote_code"}


def read_json(path: str, file: Source) -> dict[str, Any]:
    """The JSON object in a file of the folder.

    Raises:
        FolderRefused: it is not a JSON object, or it asks for code to be run.
    """
    try:
        value = json.loads(file.read_text("utf-8"))
    except (ValueError, RecursionError) as error:  # ValueError: not UTF-8, not JSON, a number of thousands of digits
        raise FolderRefused([FieldError(path, f"is not JSON: {error}")]) from None
    if not isinstance(value, dict):
        raise FolderRefused([FieldError(path, "must be a JSON object")])
    if found := RUNS_CODE & _keys(value):
        raise FolderRefused([FieldError(path, f"asks for code to be run ({', '.join(sorted(found))}); remove that")])
    return value


def _keys(value: Any) -> set[str]:
    """The keys of all objects in a JSON value."""
    found: set[str] = set()
    todo = [value]
    while todo:
        part = todo.pop()
        if isinstance(part, dict):
            found |= part.keys()
            todo += part.values()
        elif isinstance(part, list):
            todo += part
    return found


def read_pipeline(files: Mapping[str, Source], *, defaults: Mapping[str, Any]) -> tuple[Task, Components]:
    """The task that the folder is for, and its components' configurations.

    Raises:
        FolderRefused: no model_index.json, a class that is not on the allow list, or a component without its files.
    """
    if INDEX not in files:
        remedy = "save the pipeline, or the model alone, with save_pretrained()"
        raise FolderRefused([FieldError(INDEX, f"is missing; {remedy}")])
    index = read_json(INDEX, files[INDEX])
    pipeline_class = index.get("_class_name")
    task = tasks.task_of_pipeline(pipeline_class) if isinstance(pipeline_class, str) else None
    if task is None or not isinstance(pipeline_class, str):
        known = ", ".join(tasks.pipeline_classes())
        raise FolderRefused(
            [FieldError(INDEX, f"_class_name is {str(pipeline_class)[:80]!r}; it must be one of: {known}")]
        )

    errors: list[FieldError] = []
    libraries: dict[str, tuple[str, str]] = {}
    for name, value in index.items():
        if name.startswith("_") or not isinstance(value, list | dict | str) or value == [None, None]:
            continue
        pair = tuple(value) if isinstance(value, list) else ()
        if len(pair) != 2 or not all(isinstance(part, str) for part in pair):
            errors.append(FieldError(INDEX, f"{name[:60]}: must be a pair of library and class"))
        elif pair not in task.allowed_classes[pipeline_class]:
            errors.append(FieldError(INDEX, f"{name[:60]}: {'.'.join(pair)[:120]} is not an allowed class"))
        elif not any(path.startswith(f"{name}/") for path in files):
            errors.append(FieldError(f"{name}/", f"is missing; {INDEX} names it"))
        elif f"{name}/config.json" in files and not any(
            path.startswith(f"{name}/") and path.endswith(".safetensors") for path in files
        ):
            errors.append(FieldError(f"{name}/", "holds a configuration but no weights (.safetensors)"))
        else:
            libraries[name] = pair
    if errors:
        raise FolderRefused(errors)

    configs = {
        path.split("/", 1)[0]: read_json(path, file)
        for path, file in files.items()
        if path.count("/") == 1 and path.split("/", 1)[1] in CONFIG_NAMES
    }
    check_json_files(files)
    return task, Components(pipeline_class, libraries, configs, defaults)


def check_json_files(files: Mapping[str, Source]) -> None:
    """Check every JSON file of the folder.

    Raises:
        FolderRefused: one asks for code to be run, or names weights outside of the folder.
    """
    for path, file in files.items():
        if path.endswith(".json"):
            value = read_json(path, file)
            if path.endswith(".index.json"):
                _check_shards(path, value, files)


def _check_shards(path: str, index: Mapping[str, Any], files: Mapping[str, Source]) -> None:
    """An index may name only weight files beside it, because loading the model opens the files that it names."""
    folder = path.rpartition("/")[0]
    beside = {name.rpartition("/")[2] for name in files if name.rpartition("/")[0] == folder}
    shards = index.get("weight_map")
    if not isinstance(shards, dict) or not all(
        isinstance(shard, str) and shard in beside and shard.endswith(".safetensors") for shard in shards.values()
    ):
        raise FolderRefused([FieldError(path, "weight_map must name .safetensors files that lie beside it")])
