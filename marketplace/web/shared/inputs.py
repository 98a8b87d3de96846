"""Form fields from a JSON Schema, for `components/schema_form.html`."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

LONG_TEXT = 200
WHOLE = re.compile(r"-?\d{1,18}", re.ASCII)
NUMBER = re.compile(r"-?\d{1,18}(\.\d{1,18})?", re.ASCII)
ALWAYS_SHOWN = 3  # optional fields after these are collapsed


def schema_fields(schema: Mapping[str, Any], given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The fields in the schema's order, each with its value: from `given`, else the default."""
    required = set(schema.get("required", ()))
    fields = []
    properties: Mapping[str, Mapping[str, Any]] = schema["properties"]
    ordered = sorted(properties.items(), key=lambda item: item[1].get("x-order", 0))
    for position, (name, field) in enumerate(ordered):
        kind = field.get("type")
        types = [kind] if isinstance(kind, str) else list(kind or ())
        default = field.get("default")
        fields.append(
            {
                "name": name,
                "type": _kind(field, types),
                "title": field.get("title", name),
                "description": field.get("description", ""),
                "default": "" if default is None else default,
                "value": given.get(name, "" if default is None else default),
                "minimum": field.get("minimum"),
                "maximum": field.get("maximum"),
                "step": field.get("multipleOf", 1 if "integer" in types else "any"),
                "choices": field.get("enum"),
                "required": name in required,
                "nullable": "null" in types,
                "advanced": name not in required and position >= ALWAYS_SHOWN,
                "max_length": field.get("maxLength"),
                "smallest_side": field.get("x-min-side"),
                "largest_side": field.get("x-max-side"),
            }
        )
    return fields


def typed_values(schema: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Values of an address, converted to the schema's types; unknown and empty ones are left out.

    A value that cannot be converted stays a text, and the later check of the inputs refuses it.
    """
    properties: Mapping[str, Mapping[str, Any]] = schema["properties"]
    named = {name: value for name, value in given.items() if name in properties and value != ""}
    return {name: _typed(value, properties[name]) for name, value in named.items()}


def _typed(value: Any, field: Mapping[str, Any]) -> Any:
    if not isinstance(value, str):
        return value
    kind = field.get("type")
    match _kind(field, [kind] if isinstance(kind, str) else list(kind or ())):
        case "integer" if WHOLE.fullmatch(value):
            return int(value)
        case "number" if NUMBER.fullmatch(value):
            return float(value)
        case "boolean":
            return value == "true"
        case "enum":
            return next((choice for choice in field["enum"] if str(choice) == value), value)
    return value


def chosen_values(fields: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The values that a call must name: the required fields, and those whose value is not the default."""
    return {
        field["name"]: field["value"]
        for field in fields
        if field["required"] or field["value"] not in (field["default"], None)
    }


def _kind(field: Mapping[str, Any], types: list[str]) -> str:
    if "x-media" in field:
        return "file"
    if "enum" in field:
        return "enum"
    for kind in ("integer", "number", "boolean"):
        if kind in types:
            return kind
    return "text" if field.get("maxLength", LONG_TEXT + 1) > LONG_TEXT else "string"
