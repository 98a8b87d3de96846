"""Text to image: a prompt becomes pictures. What runs it is `inference.runtime.adapters.text_to_image`."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from providers.tasks.base import Components, Inputs, Schema, UnsuitableModel

LARGEST_SEED = 2**32 - 1
LONGEST_PROMPT = 2_000
SMALLEST_SIDE, LARGEST_SIDE = 64, 2_048
SIDE_STEP = 8

# Tried where the card gives no examples.
PROMPTS = (
    "a red apple on a white table",
    "a lighthouse by the sea at dusk",
    "a blue bird on a branch",
    "a small house in the snow",
)

# What each component of the pipeline may be.
_COMPONENTS = {
    "scheduler": {
        ("diffusers", name)
        for name in (
            "DDIMScheduler",
            "DPMSolverMultistepScheduler",
            "EulerAncestralDiscreteScheduler",
            "EulerDiscreteScheduler",
            "LCMScheduler",
            "PNDMScheduler",
            "UniPCMultistepScheduler",
        )
    },
    "text_encoder": {("transformers", "CLIPTextModel")},
    "tokenizer": {("transformers", "CLIPTokenizer"), ("transformers", "CLIPTokenizerFast")},
    "unet": {("diffusers", "UNet2DConditionModel")},
    "vae": {("diffusers", "AutoencoderKL"), ("diffusers", "AutoencoderTiny")},
}


class TextToImage:
    name = "text-to-image"
    title = "Text to image"
    unit = "image"
    allowed_classes: Mapping[str, frozenset[tuple[str, str]]] = {
        "StableDiffusionPipeline": frozenset(pair for pairs in _COMPONENTS.values() for pair in pairs),
    }

    def input_schema(self, components: Components) -> Schema:
        _check_components(components)
        side = _native_side(components)
        smallest, largest = min(SMALLEST_SIDE, side), min(LARGEST_SIDE, 2 * side)
        defaults = components.defaults
        properties: Schema = {
            "prompt": {
                "type": "string",
                "title": "Prompt",
                "description": "What the picture shows.",
                "minLength": 1,
                "maxLength": LONGEST_PROMPT,
            },
            "negative_prompt": {
                "type": "string",
                "title": "Negative prompt",
                "description": "What it should not show. Has no effect with a guidance of 1 or less.",
                "maxLength": LONGEST_PROMPT,
                "default": "",
            },
            "num_outputs": {
                "type": "integer",
                "title": "Pictures",
                "description": "How many pictures to make; each has the seed after the one before.",
                "minimum": 1,
                "maximum": 4,
                "default": 1,
            },
            "width": _side("Width", smallest, largest, side),
            "height": _side("Height", smallest, largest, side),
            "num_inference_steps": {
                "type": "integer",
                "title": "Steps",
                "description": "Denoising steps: more take longer and may look better.",
                "minimum": 1,
                "maximum": 50,
                "default": _default(defaults, "num_inference_steps", int, 20, low=1, high=50),
            },
            "guidance_scale": {
                "type": "number",
                "title": "Guidance",
                "description": "How closely to follow the prompt; 1 or less turns guidance off and halves the work.",
                "minimum": 0,
                "maximum": 20,
                "default": _default(defaults, "guidance_scale", float, 7.5, low=0, high=20),
            },
            "seed": {
                "type": ["integer", "null"],
                "title": "Seed",
                "description": "The same seed and input give the same picture. Empty: a random one.",
                "minimum": 0,
                "maximum": LARGEST_SEED,
                "default": None,
            },
            "output_format": {
                "type": "string",
                "title": "Format",
                "description": "File format of the pictures.",
                "enum": ["png", "webp", "jpg"],
                "default": "png",
            },
        }
        for order, field in enumerate(properties.values()):
            field["x-order"] = order
        return {
            "type": "object",
            "title": "Input",
            "properties": properties,
            "required": ["prompt"],
            "additionalProperties": False,
        }

    def trials(self, schema: Schema, widget: Sequence[Mapping[str, Any]]) -> list[Inputs]:
        texts = [text for entry in widget if isinstance(text := entry.get("text"), str) and "\0" not in text]
        prompts = [text for text in texts if 0 < len(text) <= LONGEST_PROMPT]
        defaults = {name: field["default"] for name, field in schema["properties"].items() if "default" in field}
        return [
            defaults | {"prompt": prompt, "seed": seed} for seed, prompt in enumerate(prompts[:4] or PROMPTS, start=1)
        ]

    def complete(self, inputs: Inputs) -> Inputs:
        seed = inputs.get("seed")
        return inputs | {"seed": secrets.randbelow(LARGEST_SEED + 1) if seed is None else seed}

    def quantity(self, inputs: Inputs) -> int:
        return int(inputs["num_outputs"])

    def batch_key(self, inputs: Inputs) -> str:
        guided = float(inputs["guidance_scale"])
        return f"{inputs['width']}x{inputs['height']} {inputs['num_inference_steps']} {guided:g}"


def _check_components(components: Components) -> None:
    for name, allowed in _COMPONENTS.items():
        pair = components.libraries.get(name)
        if pair is None:
            raise UnsuitableModel(f"model_index.json: names no {name}")
        if pair not in allowed:
            raise UnsuitableModel(f"model_index.json: {name}: {'.'.join(pair)} is not an allowed class")


def _native_side(components: Components) -> int:
    """Pixels of the pictures that the model was trained on: the denoiser's sample size times the VAE's factor."""
    sample = components.configs.get("unet", {}).get("sample_size")
    vae = components.configs.get("vae", {})
    blocks = vae.get("block_out_channels") or vae.get("encoder_block_out_channels")
    if type(sample) is not int or not 1 <= sample <= 256:
        raise UnsuitableModel("unet/config.json: sample_size must be a whole number from 1 to 256")
    if not isinstance(blocks, list) or not 1 <= len(blocks) <= 8:
        raise UnsuitableModel("vae/config.json: the autoencoder's block_out_channels are missing")
    side = sample * 2 ** (len(blocks) - 1)
    if side % SIDE_STEP or side > LARGEST_SIDE:
        raise UnsuitableModel(
            f"unet/config.json: with the autoencoder it makes pictures of {side} pixels; "
            f"up to {LARGEST_SIDE} in steps of {SIDE_STEP} are possible"
        )
    return int(side)


def _side(title: str, smallest: int, largest: int, default: int) -> Schema:
    return {
        "type": "integer",
        "title": title,
        "description": f"In pixels; the model was trained on {default}.",
        "minimum": smallest,
        "maximum": largest,
        "multipleOf": SIDE_STEP,
        "default": default,
    }


def _default(
    card: Mapping[str, Any], name: str, kind: type[int] | type[float], fallback: float, *, low: float, high: float
) -> float:
    """The card's recommendation if it is one that the schema admits.

    Raises:
        UnsuitableModel: the card recommends what no call could ask for.
    """
    value = card.get(name, fallback)
    accepted = (int,) if kind is int else (int, float)
    if isinstance(value, bool) or not isinstance(value, accepted) or not low <= value <= high:
        raise UnsuitableModel(f"README.md: inference.parameters.{name} must be a number from {low:g} to {high:g}")
    return kind(value)
