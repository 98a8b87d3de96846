"""Addresses that several pages lead to."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse


def playground_path(model: str, inputs: Mapping[str, Any]) -> str:
    """The page of `owner/name` with its form filled in; inputs that were left empty stay empty."""
    owner, _, name = model.partition("/")
    given = {field: value for field, value in inputs.items() if value not in (None, "")}
    return f"{reverse('web:model', args=[owner, name])}?{urlencode(given)}"
