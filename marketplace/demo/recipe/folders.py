"""Saves trained parts as folders that can be published: stock classes, fp16 safetensors."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderTiny, StableDiffusionPipeline, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

from marketplace.demo.recipe.denoiser import new_scheduler

CARD = "README.md"
PICTURE_MAKERS = ("hero", "workhorse", "cutout")
TOOLS = ("matte", "upscaler", "scorer")


def save_pipeline(
    folder: Path,
    *,
    autoencoder: AutoencoderTiny,
    text_encoder: CLIPTextModel,
    tokenizer: CLIPTokenizer,
    denoiser: UNet2DConditionModel,
) -> None:
    """Save a StableDiffusionPipeline. The parts are converted to half precision in place."""
    pipeline = StableDiffusionPipeline(
        vae=autoencoder,
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        unet=denoiser,
        scheduler=new_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).to(torch.float16)
    _replace(folder, lambda draft: pipeline.save_pretrained(draft, safe_serialization=True))


def save_model(folder: Path, model: Any, *beside: Any) -> None:
    """Save a single model with its configuration at the root, and its tokenizer or processor."""
    model.half()

    def save(draft: Path) -> None:
        for each in (model, *beside):
            each.save_pretrained(draft)

    _replace(folder, save)


def load_pipeline(folder: Path, device: torch.device) -> StableDiffusionPipeline:
    """Load a pipeline in single precision, without progress bars."""
    pipeline = StableDiffusionPipeline.from_pretrained(folder, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(device)


def _replace(folder: Path, save: Callable[[Path], None]) -> None:
    """Replace a folder atomically; its existing card is kept."""
    draft = folder.with_name(folder.name + ".draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    save(draft)
    for file in draft.rglob("*.json"):
        file.write_text(
            re.sub(r'\n *"_name_or_path": "[^"]*",', "", file.read_text())
        )  # a path on the training machine
    for file in draft.rglob("*.safetensors"):
        file.chmod(0o644)
    if (folder / CARD).exists():
        shutil.copyfile(folder / CARD, draft / CARD)
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)
