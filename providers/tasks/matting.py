"""Matting: the picture without its background. What runs it is `inference.runtime.adapters.matting`."""

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
MIN_SIDE, MAX_SIDE = 16, 2_048
MAX_SIDE_WITH_ATTENTION = 512  # its work grows with the fourth power of the side


class Matting:
    name = "matting"
    title = "Background removal"
    units: tuple[Unit, ...] = (Unit.IMAGE, Unit.MEGAPIXEL, Unit.REQUEST)
    allowed_classes: Mapping[str, frozenset[tuple[str, str]]] = {}
    single_models: Mapping[str, SingleModel] = {"UNet2DModel": SingleModel("diffusers")}
    output_schema = FILES

    def input_schema(self, components: Components) -> Schema:
        config = components.configs["model"]
        whole(config, "in_channels", low=3, high=3, file=CONFIG)
        whole(config, "out_channels", low=1, high=1, file=CONFIG)
        blocks = config.get("block_out_channels")
        if not isinstance(blocks, list) or not 1 <= len(blocks) <= 6:
            raise UnsuitableModel(f"{CONFIG}: block_out_channels must be a list of one to six numbers")
        properties: Schema = {
            "image": picture(
                "The picture whose background goes; the result has its size.",
                smallest=MIN_SIDE,
                largest=MAX_SIDE_WITH_ATTENTION if _has_attention(config) else MAX_SIDE,
            ),
            "output_format": output_format(["png", "webp"]),
        }
        return object_schema(properties, required=["image"])

    def trials(self, schema: Schema, widget: Sequence[Mapping[str, Any]], samples: Sequence[Sample]) -> list[Inputs]:
        return picture_trials(schema, samples)

    def complete(self, inputs: Inputs) -> Inputs:
        return inputs

    def quantities(self, inputs: Inputs, schema: Mapping[str, Any]) -> Quantities:
        return pictures(1, pixels_of(inputs))

    def batch_key(self, inputs: Inputs) -> str:
        return size_of(inputs)


def _has_attention(config: Mapping[str, object]) -> bool:
    """Whether the network looks at all places at once anywhere; the library's own default is that it does."""
    kinds = [config.get(name) for name in ("down_block_types", "up_block_types")]
    return config.get("add_attention", True) is not False or any("Attn" in str(kind) for kind in kinds)
