"""Addresses that several pages link to."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse


def playground_path(model: str, inputs: Mapping[str, Any]) -> str:
    """The address of the page of `owner/name` with its form filled in; empty inputs are left out."""
    owner, _, name = model.partition("/")
    given = {field: value for field, value in inputs.items() if value not in (None, "")}
    return f"{reverse('web:model', args=[owner, name])}?{urlencode(given)}"
