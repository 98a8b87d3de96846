"""Text to image: a prompt becomes pictures. What runs it is `inference.runtime.adapters.text_to_image`."""

from collections.abc import Mapping, Sequence
from typing import Any

from providers.tasks import stable_diffusion
from providers.tasks.base import FILES, Components, Inputs, Quantities, Schema, SingleModel
from providers.tasks.fields import object_schema, pictures
from providers.tasks.samples import Sample


class TextToImage:
    name = "text-to-image"
    title = "Text to image"
    units = stable_diffusion.UNITS
    allowed_classes: Mapping[str, frozenset[tuple[str, str]]] = {"StableDiffusionPipeline": stable_diffusion.ALLOWED}
    single_models: Mapping[str, SingleModel] = {}
    output_schema = FILES

    def input_schema(self, components: Components) -> Schema:
        stable_diffusion.check_components(components)
        smallest, largest, native = stable_diffusion.sides(components)
        properties: Schema = {
            **stable_diffusion.prompts(),
            "num_outputs": stable_diffusion.number_of_outputs(),
            "width": _side("Width", smallest, largest, native),
            "height": _side("Height", smallest, largest, native),
            **stable_diffusion.denoising(components.defaults),
        }
        return object_schema(properties, required=["prompt"])

    def trials(self, schema: Schema, widget: Sequence[Mapping[str, Any]], samples: Sequence[Sample]) -> list[Inputs]:
        return stable_diffusion.prompt_trials(schema, widget)

    def complete(self, inputs: Inputs) -> Inputs:
        return stable_diffusion.with_seed(inputs)

    def quantities(self, inputs: Inputs, schema: Mapping[str, Any]) -> Quantities:
        pixels = int(inputs["width"]) * int(inputs["height"])
        return pictures(int(inputs["num_outputs"]), pixels, steps=int(inputs["num_inference_steps"]))

    def batch_key(self, inputs: Inputs) -> str:
        guided = float(inputs["guidance_scale"])
        return f"{inputs['width']}x{inputs['height']} {inputs['num_inference_steps']} {guided:g}"


def _side(title: str, smallest: int, largest: int, default: int) -> Schema:
    return {
        "type": "integer",
        "title": title,
        "description": f"In pixels; the model was trained on {default}.",
        "minimum": smallest,
        "maximum": largest,
        "multipleOf": stable_diffusion.SIDE_STEP,
        "default": default,
    }
