"""Background removal: a stock UNet2DModel that predicts how much of each pixel the icon covers."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import UNet2DModel

from marketplace.demo.recipe.autoencoder import as_input
from marketplace.demo.recipe.loop import StepRandom, fast_math
from marketplace.demo.recipe.pictures import Pictures
from marketplace.demo.recipe.render import NATIVE, Pixels

_BATCH_SIZE = 16


@dataclass(frozen=True)
class MatteQuality:
    """`overlap`: intersection over union of the two masks at 0.5; `error`: mean absolute error, 0 to 1."""

    overlap: float
    error: float


def new_matte() -> UNet2DModel:
    """An untrained matting model."""
    return UNet2DModel(
        sample_size=NATIVE,
        in_channels=3,
        out_channels=1,
        down_block_types=("DownBlock2D",) * 4,
        up_block_types=("UpBlock2D",) * 4,
        block_out_channels=(16, 32, 48, 64),
        layers_per_block=1,
        norm_num_groups=8,
        add_attention=False,
    )


class MatteObjective:
    """Cross entropy and mean absolute error against the renderer's alpha, on slightly noisy pictures."""

    learning_rate, constant_part, weight_decay, ema_decay, batch = 2e-3, 0.2, 1e-4, 0.995, 8

    def __init__(self, model: UNet2DModel, sets: list[Pictures], device: torch.device) -> None:
        self.module = model
        self._sets, self._device = sets, device

    def loss(self, step_random: StepRandom) -> torch.Tensor:
        pictures = self._sets[int(step_random.numpy.integers(len(self._sets)))]
        chosen = np.sort(step_random.numpy.choice(len(pictures), self.batch, replace=False))
        seen = as_input(pictures.rgb[chosen], self._device)
        wanted = torch.tensor(pictures.alpha[chosen]).to(self._device).float()[:, None] / 255
        with fast_math(self._device):
            logits = self.module(
                seen + 0.06 * step_random.uniform(self.batch, 1, 1, 1) * step_random.normal(*seen.shape), 0
            ).sample
        logits = logits.float()
        return F.binary_cross_entropy_with_logits(logits, wanted) + (torch.sigmoid(logits) - wanted).abs().mean()


@torch.no_grad()
def cut_out(model: UNet2DModel, rgb: Pixels, device: torch.device) -> torch.Tensor:
    """Alpha of shape (n, side, side) from 0 to 1; sides are multiples of 8."""
    model = model.to(device).eval()
    parts = [
        torch.sigmoid(model(as_input(rgb[start : start + _BATCH_SIZE], device), 0).sample)[:, 0].cpu()
        for start in range(0, len(rgb), _BATCH_SIZE)
    ]
    return torch.cat(parts)


def matte_quality(model: UNet2DModel, pictures: Pictures, device: torch.device) -> MatteQuality:
    """Compare the model's alpha with the renderer's."""
    made = cut_out(model, pictures.rgb, device)
    wanted = torch.tensor(pictures.alpha).float() / 255
    both = ((made > 0.5) & (wanted > 0.5)).sum((1, 2)).float()
    either = ((made > 0.5) | (wanted > 0.5)).sum((1, 2)).float()
    return MatteQuality(overlap=(both / either.clamp(min=1)).mean().item(), error=(made - wanted).abs().mean().item())
