"""Scoring: how well a picture shows a prompt, as a number. What runs it is `inference.runtime.adapters.scoring`."""

from collections.abc import Mapping, Sequence
from typing import Any

from billing.pricing.domain import Unit
from providers.tasks.base import Components, Inputs, Quantities, Schema, SingleModel, UnsuitableModel
from providers.tasks.fields import object_schema, picture, whole
from providers.tasks.samples import Sample

MAX_SIDE = 4_096
MAX_PROMPT_LENGTH = 2_000
PROCESSORS = ("preprocessor_config.json", "processor_config.json")
PROCESSOR_CLASSES = ("CLIPImageProcessor", "CLIPImageProcessorFast", "CLIPImageProcessorPil")
TOKENIZER_CLASSES = ("CLIPTokenizer", "CLIPTokenizerFast")


class Scoring:
    name = "scoring"
    title = "Scoring"
    units: tuple[Unit, ...] = (Unit.IMAGE, Unit.REQUEST)
    allowed_classes: Mapping[str, frozenset[tuple[str, str]]] = {}
    single_models: Mapping[str, SingleModel] = {
        "CLIPModel": SingleModel(
            "transformers", needs=(PROCESSORS, ("tokenizer.json", "vocab.json"), ("tokenizer_config.json",))
        )
    }
    output_schema: Schema = {
        "type": "object",
        "title": "Output",
        "properties": {
            "score": {
                "type": "number",
                "title": "Score",
                "description": "Cosine similarity of picture and prompt, from -1 to 1.",
            }
        },
        "required": ["score"],
    }

    def input_schema(self, components: Components) -> Schema:
        for name in ("text_config", "vision_config"):
            if not isinstance(components.configs["model"].get(name), dict):
                raise UnsuitableModel(f"config.json: {name} is missing")
        whole(components.configs["model"]["vision_config"], "image_size", low=8, high=1_024, file="config.json")
        _check_class(components, "image_processor", "image_processor_type", PROCESSOR_CLASSES, PROCESSORS[0])
        _check_class(components, "tokenizer", "tokenizer_class", TOKENIZER_CLASSES, "tokenizer_config.json")
        properties: Schema = {
            "image": picture("The picture to score.", smallest=1, largest=MAX_SIDE),
            "prompt": {
                "type": "string",
                "title": "Prompt",
                "description": "What the picture should show.",
                "minLength": 1,
                "maxLength": MAX_PROMPT_LENGTH,
            },
        }
        return object_schema(properties, required=["image", "prompt"])

    def trials(self, schema: Schema, widget: Sequence[Mapping[str, Any]], samples: Sequence[Sample]) -> list[Inputs]:
        return [{"image": sample.reference.document(), "prompt": sample.caption} for sample in samples]

    def complete(self, inputs: Inputs) -> Inputs:
        return inputs

    def quantities(self, inputs: Inputs, schema: Mapping[str, Any]) -> Quantities:
        return {Unit.IMAGE: 1, Unit.REQUEST: 1}

    def batch_key(self, inputs: Inputs) -> str:
        return ""  # pictures are brought to one size before they are looked at


def _check_class(components: Components, part: str, key: str, allowed: tuple[str, ...], file: str) -> None:
    named = components.configs.get(part, {}).get(key)
    if named not in allowed:
        raise UnsuitableModel(f"{file}: {key} must be one of {', '.join(allowed)}")
