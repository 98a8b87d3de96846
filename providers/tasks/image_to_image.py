"""Image to image: a picture and a prompt become pictures. Run by `inference.runtime.adapters.image_to_image`."""

from collections.abc import Mapping, Sequence
from typing import Any

from providers.tasks import stable_diffusion
from providers.tasks.base import FILES, Components, Inputs, Quantities, Schema, SingleModel
from providers.tasks.fields import object_schema, picture, pictures, pixels_of, size_of
from providers.tasks.samples import Sample


class ImageToImage:
    name = "image-to-image"
    title = "Image to image"
    units = stable_diffusion.UNITS
    allowed_classes: Mapping[str, frozenset[tuple[str, str]]] = {
        "StableDiffusionImg2ImgPipeline": stable_diffusion.ALLOWED
    }
    single_models: Mapping[str, SingleModel] = {}
    output_schema = FILES

    def input_schema(self, components: Components) -> Schema:
        stable_diffusion.check_components(components)
        smallest, largest, native = stable_diffusion.sides(components)
        prompts = stable_diffusion.prompts()
        properties: Schema = {
            "image": picture(
                "The picture to start from; the result has its size, cut to a multiple of "
                f"{stable_diffusion.SIDE_STEP}. The model was trained on {native} pixels.",
                smallest=smallest,
                largest=largest,
            ),
            "prompt": prompts["prompt"],
            "strength": {
                "type": "number",
                "title": "Strength",
                "description": "How much to change: near 0 keeps the picture, 1 makes a new one.",
                "minimum": 0.05,
                "maximum": 1,
                "default": stable_diffusion.default_of(components.defaults, "strength", float, 0.75, low=0.05, high=1),
            },
            "negative_prompt": prompts["negative_prompt"],
            "num_outputs": stable_diffusion.number_of_outputs(),
            **stable_diffusion.denoising(components.defaults),
        }
        return object_schema(properties, required=["image", "prompt"])

    def trials(self, schema: Schema, widget: Sequence[Mapping[str, Any]], samples: Sequence[Sample]) -> list[Inputs]:
        prompts = stable_diffusion.prompt_trials(schema, widget)
        return [trial | {"image": sample.reference.document()} for trial, sample in zip(prompts, samples, strict=False)]

    def complete(self, inputs: Inputs) -> Inputs:
        return stable_diffusion.with_seed(inputs)

    def quantities(self, inputs: Inputs, schema: Mapping[str, Any]) -> Quantities:
        # The pipeline runs the last `strength` of the steps, rounded down, and at least one.
        steps = max(1, int(int(inputs["num_inference_steps"]) * float(inputs["strength"])))
        pixels = pixels_of(inputs, step=stable_diffusion.SIDE_STEP)
        return pictures(int(inputs["num_outputs"]), pixels, steps=steps)

    def batch_key(self, inputs: Inputs) -> str:
        guided, strength = float(inputs["guidance_scale"]), float(inputs["strength"])
        return f"{size_of(inputs)} {inputs['num_inference_steps']} {guided:g} {strength:g}"
