"""Super-resolution: the picture at a multiple of its size. Run by `inference.runtime.adapters.super_resolution`."""

from collections.abc import Mapping, Sequence
from typing import Any

from billing.pricing.domain import Unit
from providers.tasks.base import FILES, Components, Inputs, Quantities, Schema, SingleModel, UnsuitableModel
from providers.tasks.fields import (
    object_schema,
    output_format,
    picture,
    picture_trials,
    pictures,
    pixels_of,
    size_of,
    whole,
)
from providers.tasks.samples import Sample

CONFIG = "config.json"
MAX_FACTOR = 8
MAX_RESULT_SIDE = 2_048  # pixels of a side
UPSAMPLERS = ("pixelshuffle", "pixelshuffledirect")
PROCESSORS = ("preprocessor_config.json", "processor_config.json")


class SuperResolution:
    name = "super-resolution"
    title = "Super-resolution"
    units: tuple[Unit, ...] = (Unit.IMAGE, Unit.MEGAPIXEL, Unit.REQUEST)
    allowed_classes: Mapping[str, frozenset[tuple[str, str]]] = {}
    single_models: Mapping[str, SingleModel] = {
        "Swin2SRForImageSuperResolution": SingleModel("transformers", needs=(PROCESSORS,))
    }
    output_schema = FILES

    def input_schema(self, components: Components) -> Schema:
        config = components.configs["model"]
        factor = whole(config, "upscale", low=2, high=MAX_FACTOR, file=CONFIG)
        window = whole(config, "window_size", low=1, high=64, file=CONFIG)
        # The library leaves out what is its own default.
        for name in ("num_channels", "num_channels_out"):
            whole({name: 3} | dict(config), name, low=3, high=3, file=CONFIG)
        if config.get("upsampler", UPSAMPLERS[0]) not in UPSAMPLERS:
            raise UnsuitableModel(f"{CONFIG}: upsampler must be one of {', '.join(UPSAMPLERS)}")
        properties: Schema = {
            "image": picture(
                f"The picture to enlarge; the result is {factor} times as wide and as high.",
                smallest=window,
                largest=MAX_RESULT_SIDE // factor,
            ),
            "output_format": output_format(["png", "webp", "jpg"]),
        }
        return object_schema(properties, required=["image"])

    def trials(self, schema: Schema, widget: Sequence[Mapping[str, Any]], samples: Sequence[Sample]) -> list[Inputs]:
        return picture_trials(schema, samples)

    def complete(self, inputs: Inputs) -> Inputs:
        return inputs

    def quantities(self, inputs: Inputs, schema: Mapping[str, Any]) -> Quantities:
        pixels = pixels_of(inputs)
        return pictures(1, None if pixels is None else pixels * factor_of(schema) ** 2)

    def batch_key(self, inputs: Inputs) -> str:
        return size_of(inputs)


def factor_of(schema: Mapping[str, Any]) -> int:
    """How many times as wide and as high a version's results are: the largest picture it takes tells it exactly."""
    return MAX_RESULT_SIDE // int(schema["properties"]["image"]["x-max-side"])
