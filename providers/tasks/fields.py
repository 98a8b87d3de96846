"""Fields that the input schemas of several tasks have in common."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from billing.pricing.domain import Unit
from providers.tasks.base import Inputs, Quantities, Schema, UnsuitableModel
from providers.tasks.samples import Sample


def object_schema(properties: Mapping[str, Schema], *, required: Iterable[str]) -> Schema:
    """The schema of an input with these fields and no others, in this order."""
    return {
        "type": "object",
        "title": "Input",
        "properties": {name: field | {"x-order": order} for order, (name, field) in enumerate(properties.items())},
        "required": list(required),
        "additionalProperties": False,
    }


def defaults_of(schema: Schema) -> Inputs:
    """What an input has where the caller says nothing."""
    return {name: field["default"] for name, field in schema["properties"].items() if "default" in field}


def picture_trials(schema: Schema, samples: Sequence[Sample]) -> list[Inputs]:
    """Complete inputs for a model that takes a picture and nothing else."""
    return [defaults_of(schema) | {"image": sample.reference.document()} for sample in samples]


def picture(description: str, *, smallest: int, largest: int) -> Schema:
    """A picture that the call brings, each side of it within these pixels."""
    return {
        "type": "string",
        "format": "uri",
        "title": "Image",
        "description": f"{description} PNG, JPEG or WebP, each side {smallest} to {largest} pixels.",
        "x-media": "image",
        "x-min-side": smallest,
        "x-max-side": largest,
    }


def output_format(choices: list[str]) -> Schema:
    """File formats to choose from, the first by default."""
    return {
        "type": "string",
        "title": "Format",
        "description": "File format of the pictures.",
        "enum": choices,
        "default": choices[0],
    }


def pixels_of(inputs: Inputs, field: str = "image", *, step: int = 1) -> int | None:
    """Pixels of a picture that the call brings, its sides cut to whole steps; None as long as it brings none."""
    picture = inputs.get(field)
    if not isinstance(picture, Mapping):
        return None
    width, height = int(picture["width"]), int(picture["height"])
    return (width - width % step) * (height - height % step)


def pictures(count: int, pixels: int | None, *, steps: int | None = None) -> Quantities:
    """The quantities of a call that delivers pictures of so many pixels each.

    Args:
        pixels: None where that is not known yet.
        steps: denoising steps that make them; None for a task without steps.
    """
    found = {Unit.IMAGE: count, Unit.REQUEST: 1}
    if pixels is not None:
        found[Unit.MEGAPIXEL] = count * pixels
        if steps is not None:
            found[Unit.MEGAPIXEL_STEP] = count * pixels * steps
    return found


def size_of(inputs: Inputs, field: str = "image") -> str:
    """Width and height of a picture that the call brings, such as `128x96`."""
    return f"{inputs[field]['width']}x{inputs[field]['height']}"


def whole(config: Mapping[str, Any], name: str, *, low: int, high: int, file: str) -> int:
    """A whole number of a model's configuration.

    Raises:
        UnsuitableModel: it is missing or outside of what can be run.
    """
    value = config.get(name)
    if type(value) is not int or not low <= value <= high:
        raise UnsuitableModel(f"{file}: {name} must be a whole number from {low} to {high}")
    return value
