"""The folder and settings of a training: drawings, checkpoints and finished parts for later trainings."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderTiny, UNet2DConditionModel, UNet2DModel
from transformers import CLIPModel, CLIPTextModel, CLIPTokenizer, Swin2SRForImageSuperResolution

from marketplace.demo.recipe.autoencoder import encode_all
from marketplace.demo.recipe.domain import caption
from marketplace.demo.recipe.loop import Budget, Objective, Report, train
from marketplace.demo.recipe.pictures import Pictures, pictures_on_disk
from marketplace.demo.recipe.render import NATIVE
from marketplace.demo.recipe.tokens import train_tokenizer

# The path of each part in a donor's published folders.
_DONOR_PATHS = {
    "autoencoder": "hero/vae",
    "hero": "hero",
    "workhorse": "workhorse",
    "cutout-autoencoder": "cutout/vae",
    "cutout": "cutout",
    "matte": "matte",
    "upscaler": "upscaler",
    "scorer": "scorer",
}


class PartMissing(Exception):
    """A part that this training needs has not been trained yet."""


@dataclass(frozen=True)
class TrainingContext:
    """The folder and settings of a training.

    Attributes:
        root: the folder for drawings, latents, checkpoints and parts; it may be deleted after the training.
        pictures: the number of drawings of each style.
        donor: published folders to start from, instead of from scratch.
    """

    root: Path
    seed: int
    device: torch.device
    pictures: int
    report: Report
    donor: Path | None = None

    @cached_property
    def flat(self) -> Pictures:
        """Drawings in the flat style."""
        return self._pictures("flat", self.seed)

    @cached_property
    def paper(self) -> Pictures:
        """Drawings in the paper style."""
        return self._pictures("paper", self.seed + 1)

    @cached_property
    def large(self) -> Pictures:
        """Flat drawings of twice the native side; fewer, because each has four times the bytes."""
        return self._pictures("flat", self.seed + 2, side=2 * NATIVE, count=max(1, self.pictures // 16))

    @cached_property
    def tokenizer(self) -> CLIPTokenizer:
        """The tokenizer: from the root, from the donor, or newly trained."""
        folder = self.part("tokenizer")
        if not folder.exists():
            if self.donor:
                shutil.copytree(self.donor / "hero" / "tokenizer", folder, copy_function=shutil.copyfile)
            else:
                self.save_part("tokenizer", train_tokenizer(self.seed).save_pretrained)
        return CLIPTokenizer.from_pretrained(folder)

    def part(self, name: str) -> Path:
        """The folder of a finished part."""
        return self.root / "parts" / name

    def save_part(self, name: str, save: Callable[[Path], Any]) -> None:
        """Save a finished part, atomically."""
        folder, draft = self.part(name), self.part(name + ".draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        save(draft)
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)

    def has(self, name: str) -> bool:
        """Whether the part was trained here or exists in the donor."""
        given = _DONOR_PATHS.get(name)
        return self.part(name).exists() or bool(self.donor and given and (self.donor / given).exists())

    def delete_part(self, name: str) -> None:
        """Delete a part and its checkpoint."""
        shutil.rmtree(self.part(name), ignore_errors=True)
        self._checkpoint(name).unlink(missing_ok=True)

    def autoencoder(self, name: str = "autoencoder") -> AutoencoderTiny:
        """A trained autoencoder. This and the following methods raise PartMissing."""
        return self._load(AutoencoderTiny, name)

    def text_encoder(self, name: str) -> CLIPTextModel:
        """A trained text encoder."""
        return self._load(CLIPTextModel, name, "text_encoder")

    def denoiser(self, name: str) -> UNet2DConditionModel:
        """A trained denoiser."""
        return self._load(UNet2DConditionModel, name, "unet")

    def matte(self) -> UNet2DModel:
        """The trained matting model."""
        return self._load(UNet2DModel, "matte")

    def upscaler(self) -> Swin2SRForImageSuperResolution:
        """The trained upscaler."""
        return self._load(Swin2SRForImageSuperResolution, "upscaler")

    def scorer(self) -> CLIPModel:
        """The trained scorer."""
        return self._load(CLIPModel, "scorer")

    def latents(self, autoencoder: str, pictures: Pictures) -> torch.Tensor:
        """The latents of the pictures by the encoder of this name, computed once."""
        file = self.root / "latents" / f"{autoencoder}-{pictures.style}-{pictures.seed}-{len(pictures)}.pt"
        if not file.exists():
            self.report(f"encoding {len(pictures)} {pictures.style} pictures")
            file.parent.mkdir(parents=True, exist_ok=True)
            draft = file.with_suffix(".draft")
            torch.save(encode_all(self.autoencoder(autoencoder), pictures, self.device), draft)
            draft.replace(file)
        latents: torch.Tensor = torch.load(file, weights_only=True)
        return latents

    def captions(self, pictures: Pictures) -> list[str]:
        """The captions of the pictures."""
        return [caption(icon) for icon in pictures.icons()]

    def train(self, name: str, objective: Objective, budget: Budget) -> None:
        """Train with the checkpoint of this name."""
        train(
            objective,
            budget=budget,
            seed=self.seed,
            device=self.device,
            checkpoint=self._checkpoint(name),
            report=lambda line: self.report(f"{name}  {line}"),
        )

    def _pictures(self, style: str, seed: int, side: int = NATIVE, count: int | None = None) -> Pictures:
        return pictures_on_disk(self.root / "pictures", style, seed, count or self.pictures, self.report, side)

    def _checkpoint(self, name: str) -> Path:
        return self.root / "checkpoints" / f"{name}.pt"

    def _load(self, kind: Any, name: str, inside: str = "") -> Any:
        given = self.donor / _DONOR_PATHS[name] if self.donor and name in _DONOR_PATHS else None
        for folder in (self.part(name), given):
            if folder and folder.exists():
                return kind.from_pretrained(folder / inside, dtype=torch.float32)
        raise PartMissing(f"{name!r} has not been trained yet: train it first")
