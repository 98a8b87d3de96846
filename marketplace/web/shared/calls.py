"""Calls as code, for pages."""

from collections.abc import Mapping, Sequence
from typing import Any

from providers import tasks
from providers.tasks.base import FILES


def code_call(
    model: str, *, task: str, fields: Sequence[Mapping[str, Any]], chosen: Mapping[str, Any]
) -> dict[str, Any]:
    """The context of `components/call_tabs.html` for one call.

    Args:
        fields: the form's fields, from `schema_fields`.
        chosen: the values in the call. A file's address is replaced by a file of the reader.
    """
    files = [field["name"] for field in fields if field["type"] == "file" and (field["required"] or field["value"])]
    return {"model": model, "input": dict(chosen), "files": files, "value": answers_with_value(task)}


def answers_with_value(task: str) -> bool:
    """Whether a task's answer is a value rather than files."""
    return tasks.task_named(task).output_schema is not FILES
