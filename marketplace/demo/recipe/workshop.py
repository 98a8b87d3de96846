"""Where training keeps its drawings, checkpoints and finished parts, and what later parts take from earlier ones."""

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
from marketplace.demo.recipe.loop import Budget, Lesson, Report, train
from marketplace.demo.recipe.pictures import Pictures, pictures_on_disk
from marketplace.demo.recipe.render import NATIVE
from marketplace.demo.recipe.tokens import train_tokenizer

# Where a donor's published folders hold a part.
_GIVEN = {
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
    """A part that this one is made from has not been trained yet; says which."""


@dataclass(frozen=True)
class Workshop:
    """One training's place and settings.

    Attributes:
        root: for drawings, latents, checkpoints and parts; may be deleted once the folders are made.
        pictures: drawings of each style to train on.
        donor: published folders to start from instead of from nothing.
    """

    root: Path
    seed: int
    device: torch.device
    pictures: int
    report: Report
    donor: Path | None = None

    @cached_property
    def flat(self) -> Pictures:
        return self._drawn("flat", self.seed)

    @cached_property
    def paper(self) -> Pictures:
        return self._drawn("paper", self.seed + 1)

    @cached_property
    def large(self) -> Pictures:
        """Twice the native side, four times the bytes each, therefore fewer."""
        return self._drawn("flat", self.seed + 2, side=2 * NATIVE, count=max(1, self.pictures // 16))

    @cached_property
    def tokenizer(self) -> CLIPTokenizer:
        folder = self.part("tokenizer")
        if not folder.exists():
            if self.donor:
                shutil.copytree(self.donor / "hero" / "tokenizer", folder, copy_function=shutil.copyfile)
            else:
                self.keep("tokenizer", train_tokenizer(self.seed).save_pretrained)
        return CLIPTokenizer.from_pretrained(folder)

    def part(self, name: str) -> Path:
        return self.root / "parts" / name

    def keep(self, name: str, save: Callable[[Path], Any]) -> None:
        """Put a finished part in its place, whole or not at all."""
        folder, draft = self.part(name), self.part(name + ".draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        save(draft)
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)

    def has(self, name: str) -> bool:
        """Whether the part was trained here or comes with the donor."""
        given = _GIVEN.get(name)
        return self.part(name).exists() or bool(self.donor and given and (self.donor / given).exists())

    def forget(self, name: str) -> None:
        shutil.rmtree(self.part(name), ignore_errors=True)
        self._checkpoint(name).unlink(missing_ok=True)

    def autoencoder(self, name: str = "autoencoder") -> AutoencoderTiny:
        return self._load(AutoencoderTiny, name)

    def text_encoder(self, name: str) -> CLIPTextModel:
        return self._load(CLIPTextModel, name, "text_encoder")

    def denoiser(self, name: str) -> UNet2DConditionModel:
        return self._load(UNet2DConditionModel, name, "unet")

    def matte(self) -> UNet2DModel:
        return self._load(UNet2DModel, "matte")

    def upscaler(self) -> Swin2SRForImageSuperResolution:
        return self._load(Swin2SRForImageSuperResolution, "upscaler")

    def scorer(self) -> CLIPModel:
        return self._load(CLIPModel, "scorer")

    def latents(self, autoencoder: str, pictures: Pictures) -> torch.Tensor:
        """What the encoder of this name makes of the pictures, made once."""
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
        return [caption(icon) for icon in pictures.icons()]

    def train(self, name: str, lesson: Lesson, budget: Budget) -> None:
        train(
            lesson,
            budget=budget,
            seed=self.seed,
            device=self.device,
            checkpoint=self._checkpoint(name),
            report=lambda line: self.report(f"{name}  {line}"),
        )

    def _drawn(self, style: str, seed: int, side: int = NATIVE, count: int | None = None) -> Pictures:
        return pictures_on_disk(self.root / "pictures", style, seed, count or self.pictures, self.report, side)

    def _checkpoint(self, name: str) -> Path:
        return self.root / "checkpoints" / f"{name}.pt"

    def _load(self, kind: Any, name: str, inside: str = "") -> Any:
        given = self.donor / _GIVEN[name] if self.donor and name in _GIVEN else None
        for folder in (self.part(name), given):
            if folder and folder.exists():
                return kind.from_pretrained(folder / inside, dtype=torch.float32)
        raise PartMissing(f"{name!r} has not been trained yet: train it first")
