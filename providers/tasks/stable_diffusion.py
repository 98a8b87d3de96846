"""What the tasks of the Stable Diffusion family share: allowed components, the fields of a call, the native size."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from billing.pricing.domain import Unit
from providers.tasks.base import Components, Inputs, Schema, UnsuitableModel
from providers.tasks.fields import defaults_of, output_format

MAX_SEED = 2**32 - 1
MAX_PROMPT_LENGTH = 2_000
MIN_SIDE, MAX_SIDE = 64, 2_048
SIDE_STEP = 8
UNITS: tuple[Unit, ...] = (Unit.IMAGE, Unit.MEGAPIXEL, Unit.MEGAPIXEL_STEP, Unit.REQUEST)

# Tried where the card gives no examples.
PROMPTS = (
    "a red apple on a white table",
    "a lighthouse by the sea at dusk",
    "a blue bird on a branch",
    "a small house in the snow",
)

# What each component of the pipeline may be.
COMPONENTS = {
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
ALLOWED = frozenset(pair for pairs in COMPONENTS.values() for pair in pairs)


def check_components(components: Components) -> None:
    """Raises UnsuitableModel unless the pipeline has every component, each of an allowed class in its place."""
    for name, allowed in COMPONENTS.items():
        pair = components.libraries.get(name)
        if pair is None:
            raise UnsuitableModel(f"model_index.json: names no {name}")
        if pair not in allowed:
            raise UnsuitableModel(f"model_index.json: {name}: {'.'.join(pair)} is not an allowed class")


def native_side(components: Components) -> int:
    """Pixels of the pictures that the model was trained on: the denoiser's sample size times the VAE's factor."""
    sample = components.configs.get("unet", {}).get("sample_size")
    vae = components.configs.get("vae", {})
    blocks = vae.get("block_out_channels") or vae.get("encoder_block_out_channels")
    if type(sample) is not int or not 1 <= sample <= 256:
        raise UnsuitableModel("unet/config.json: sample_size must be a whole number from 1 to 256")
    if not isinstance(blocks, list) or not 1 <= len(blocks) <= 8:
        raise UnsuitableModel("vae/config.json: the autoencoder's block_out_channels are missing")
    side = sample * 2 ** (len(blocks) - 1)
    if side % SIDE_STEP or side > MAX_SIDE:
        raise UnsuitableModel(
            f"unet/config.json: with the autoencoder it makes pictures of {side} pixels; "
            f"up to {MAX_SIDE} in steps of {SIDE_STEP} are possible"
        )
    return int(side)


def sides(components: Components) -> tuple[int, int, int]:
    """Pixels of the smallest, the largest and the native side of the model's pictures."""
    native = native_side(components)
    return min(MIN_SIDE, native), min(MAX_SIDE, 2 * native), native


def prompts() -> Schema:
    """The fields of what the picture shows."""
    return {
        "prompt": {
            "type": "string",
            "title": "Prompt",
            "description": "What the picture shows.",
            "minLength": 1,
            "maxLength": MAX_PROMPT_LENGTH,
        },
        "negative_prompt": {
            "type": "string",
            "title": "Negative prompt",
            "description": "What it should not show. Has no effect with a guidance of 1 or less.",
            "maxLength": MAX_PROMPT_LENGTH,
            "default": "",
        },
    }


def number_of_outputs() -> Schema:
    return {
        "type": "integer",
        "title": "Pictures",
        "description": "How many pictures to make; each has the seed after the one before.",
        "minimum": 1,
        "maximum": 4,
        "default": 1,
    }


def denoising(defaults: Mapping[str, Any]) -> Schema:
    """The fields of how it is made, with the card's recommendations as defaults. Raises UnsuitableModel."""
    return {
        "num_inference_steps": {
            "type": "integer",
            "title": "Steps",
            "description": "Denoising steps: more take longer and may look better.",
            "minimum": 1,
            "maximum": 50,
            "default": default_of(defaults, "num_inference_steps", int, 20, low=1, high=50),
        },
        "guidance_scale": {
            "type": "number",
            "title": "Guidance",
            "description": "How closely to follow the prompt; 1 or less turns guidance off and halves the work.",
            "minimum": 0,
            "maximum": 20,
            "default": default_of(defaults, "guidance_scale", float, 7.5, low=0, high=20),
        },
        "seed": {
            "type": ["integer", "null"],
            "title": "Seed",
            "description": "The same seed and input give the same picture. Empty: a random one.",
            "minimum": 0,
            "maximum": MAX_SEED,
            "default": None,
        },
        "output_format": output_format(["png", "webp", "jpg"]),
    }


def with_seed(inputs: Inputs) -> Inputs:
    """The inputs with a random seed where the caller named none."""
    seed = inputs.get("seed")
    return inputs | {"seed": secrets.randbelow(MAX_SEED + 1) if seed is None else seed}


def prompt_trials(schema: Schema, widget: Sequence[Mapping[str, Any]]) -> list[Inputs]:
    """Complete inputs with fixed seeds: the prompts of the card's examples, else some that suit any model."""
    texts = [text for entry in widget if isinstance(text := entry.get("text"), str) and "\0" not in text]
    prompts = [text for text in texts if 0 < len(text) <= MAX_PROMPT_LENGTH]
    return [
        defaults_of(schema) | {"prompt": prompt, "seed": seed}
        for seed, prompt in enumerate(prompts[:4] or PROMPTS, start=1)
    ]


def default_of(
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
