"""Upscaling by two: a stock Swin2SR, initialised as cubic interpolation, so that it learns only the residual."""

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from transformers import Swin2SRConfig, Swin2SRForImageSuperResolution
from transformers.models.swin2sr import Swin2SRImageProcessorPil

from marketplace.demo.recipe.loop import StepRandom, fast_math
from marketplace.demo.recipe.pictures import Pictures, as_planes
from marketplace.demo.recipe.render import NATIVE, Pixels

SCALE = 2
WINDOW = 8
_CROP = 32  # side in pixels of the inputs in training
_BATCH_SIZE = 4


@dataclass(frozen=True)
class UpscalerQuality:
    """Peak signal-to-noise ratios in dB, of the model and of bicubic interpolation."""

    model: float
    bicubic: float


def new_upscaler(width: int = 48) -> Swin2SRForImageSuperResolution:
    """An untrained upscaler that interpolates cubically."""
    config = Swin2SRConfig(
        image_size=NATIVE,
        patch_size=1,
        embed_dim=width,
        depths=[2, 2],
        num_heads=[4, 4],
        window_size=WINDOW,
        mlp_ratio=2.0,
        upscale=SCALE,
        upsampler="pixelshuffledirect",
    )
    model = Swin2SRForImageSuperResolution(config)
    _initialise_as_cubic(model)
    return model


def new_processor() -> Swin2SRImageProcessorPil:
    """The image processor of the upscaler."""
    return Swin2SRImageProcessorPil(size_divisor=WINDOW)


class UpscalerObjective:
    """Reconstruction loss on crops of drawings at twice the native side; one input in four is blurred and noisy."""

    learning_rate, constant_part, weight_decay, ema_decay, batch = 1e-3, 0.2, 1e-4, 0.98, 8

    def __init__(self, model: Swin2SRForImageSuperResolution, pictures: Pictures, device: torch.device) -> None:
        """Args: `pictures`: drawings of SCALE times the native side."""
        self.module = model
        self._pictures, self._device = pictures, device

    def loss(self, step_random: StepRandom) -> torch.Tensor:
        wanted = as_planes(np.stack([self._crop(step_random) for _ in range(self.batch)]), self._device)
        seen = F.avg_pool2d(wanted, SCALE)
        soft = F.avg_pool2d(F.pad(seen, (1, 1, 1, 1), mode="replicate"), 3, 1)
        soft = (seen + soft) / 2 + 0.01 * step_random.normal(*seen.shape)
        seen = torch.where(step_random.uniform(self.batch, 1, 1, 1) < 0.25, soft, seen)
        with fast_math(self._device):
            made: torch.Tensor = self.module(pixel_values=seen).reconstruction.float()
        return (made - wanted).abs().mean() + 4 * (made - wanted).pow(2).mean()

    def _crop(self, step_random: StepRandom) -> Pixels:
        rgb = self._pictures.rgb[int(step_random.numpy.integers(len(self._pictures)))]
        side = _CROP * SCALE
        corners = SCALE * step_random.numpy.integers(0, (rgb.shape[0] - side) // SCALE + 1, (3, 2))
        crops = [rgb[y : y + side, x : x + side] for y, x in corners]
        return max(crops, key=lambda crop: float(crop[::4, ::4].std(axis=(0, 1)).sum()))


@torch.no_grad()
def upscaler_quality(
    model: Swin2SRForImageSuperResolution, pictures: Pictures, device: torch.device
) -> UpscalerQuality:
    model = model.to(device).eval()
    errors: dict[str, list[torch.Tensor]] = {"model": [], "bicubic": []}
    for start in range(0, len(pictures), _BATCH_SIZE):
        wanted = as_planes(pictures.rgb[start : start + _BATCH_SIZE], device)
        seen = F.avg_pool2d(wanted, SCALE)
        made = {
            "model": model(pixel_values=seen).reconstruction,
            "bicubic": F.interpolate(seen, scale_factor=SCALE, mode="bicubic"),
        }
        for name, picture in made.items():
            errors[name].append((picture.clamp(0, 1) - wanted).pow(2).mean((1, 2, 3)).cpu())
    return UpscalerQuality(**{name: -10 * math.log10(torch.cat(each).mean().item()) for name, each in errors.items()})


@torch.no_grad()
def _initialise_as_cubic(model: Swin2SRForImageSuperResolution) -> None:
    """Pass the colours unchanged through the first three channels; the body starts with zero output."""
    first, after, last = model.swin2sr.first_convolution, model.swin2sr.conv_after_body, model.upsample.conv
    after.weight.zero_()
    after.bias.zero_()
    for channel in range(3):
        first.weight[channel] = 0
        first.weight[channel, channel, 1, 1] = 1
    first.bias.zero_()
    last.weight.mul_(0.1)
    last.bias.zero_()
    # The cubic kernel at a quarter of a pixel; its fourth and smallest weight is added to its neighbour's.
    far, near, beyond = 0.227, 0.879, -0.106
    sides = torch.tensor([[far, near, beyond], [beyond, near, far]])  # of the upper or left half pixel, of the other
    for channel in range(3):
        for row in range(SCALE):
            for column in range(SCALE):
                kernel = sides[row][:, None] * sides[column][None, :]
                target = last.weight[channel * SCALE**2 + row * SCALE + column]
                target[:3] = 0
                target[channel] = kernel
