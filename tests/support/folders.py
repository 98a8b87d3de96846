"""Small valid diffusers folders, which tests change."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

CARD = """---
license: apache-2.0
inference:
  parameters:
    num_inference_steps: 12
---
Icons on coloured grounds.

## More
"""
INDEX: dict[str, Any] = {
    "_class_name": "StableDiffusionPipeline",
    "_diffusers_version": "0.42.1",
    "feature_extractor": [None, None],
    "requires_safety_checker": False,
    "safety_checker": [None, None],
    "scheduler": ["diffusers", "DPMSolverMultistepScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderTiny"],
}
TEXTS: dict[str, Any] = {
    "model_index.json": INDEX,
    "scheduler/scheduler_config.json": {"_class_name": "DPMSolverMultistepScheduler"},
    "text_encoder/config.json": {"architectures": ["CLIPTextModel"]},
    "tokenizer/tokenizer_config.json": {"tokenizer_class": "CLIPTokenizer"},
    "unet/config.json": {"_class_name": "UNet2DConditionModel", "sample_size": 16},
    "vae/config.json": {"_class_name": "AutoencoderTiny", "encoder_block_out_channels": [8, 8, 8, 8]},
}
WEIGHTS = (
    "text_encoder/model.safetensors",
    "unet/diffusion_pytorch_model.safetensors",
    "vae/diffusion_pytorch_model.safetensors",
)


def weights(
    header: Mapping[str, Any] | bytes | None = None, *, data: bytes = b"\0" * 16, length: int | None = None
) -> bytes:
    """A safetensors file, by default of one tensor of four floats; `length` is a wrong length of the header."""
    if header is None:
        header = {"weight": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def make_folder(folder: Path, changes: Mapping[str, Any] | None = None) -> Path:
    """A folder that can be published, with some files changed: None leaves one out, text, bytes or JSON replaces it."""
    files: dict[str, Any] = {"README.md": CARD, **TEXTS, **dict.fromkeys(WEIGHTS, weights())}
    for path, content in (files | dict(changes or {})).items():
        if content is None:
            continue
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(content, bytes):
            content = (content if isinstance(content, str) else json.dumps(content)).encode()
        file.write_bytes(content)
    return folder
