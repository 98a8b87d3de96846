"""The autoencoder: a stock AutoencoderTiny whose latents have an eighth of the picture's side."""

import math

import numpy as np
import torch
from diffusers import AutoencoderTiny
from torch import nn

from marketplace.demo.recipe.loop import StepRandom, fast_math
from marketplace.demo.recipe.pictures import Pictures, as_planes
from marketplace.demo.recipe.render import Pixels

SHRINK = 8  # pixels of a side for one latent
_CROP = 64
_BORDER = 6  # pixels at a crop's edge that lack neighbours; they count less in the loss
_ENCODE_BATCH_SIZE = 64


def new_autoencoder(channels: int, width: int = 32) -> AutoencoderTiny:
    """An untrained one, so that each block nearly passes on its input, which trains several times faster."""
    model = AutoencoderTiny(
        encoder_block_out_channels=(width,) * 4,
        decoder_block_out_channels=(width,) * 4,
        num_encoder_blocks=(0, 2, 2, 2),
        num_decoder_blocks=(2, 2, 2, 0),
        latent_channels=channels,
        scaling_factor=1.0,
    )
    for part in model.modules():
        if isinstance(part, nn.Conv2d):
            _initialise(part)
    for part in model.modules():
        if part.__class__.__name__ == "AutoencoderTinyBlock":
            *first, last = (each for each in part.conv if isinstance(each, nn.Conv2d))
            for each in first:
                nn.init.kaiming_normal_(each.weight, nonlinearity="relu")
            last.weight.data.mul_(0.3)
    model.decoder.layers[-1].weight.data.mul_(0.5)
    return model


@torch.no_grad()
def with_projected_latents(donor: AutoencoderTiny, basis: torch.Tensor) -> AutoencoderTiny:
    """A trained autoencoder with its latents projected to fewer channels.

    Args:
        basis: new channels × old channels, with orthonormal rows.
    """
    model = AutoencoderTiny.from_config({**donor.config, "latent_channels": len(basis), "scaling_factor": 1.0})
    state = donor.state_dict()
    last, first = f"encoder.layers.{len(model.encoder.layers) - 1}", "decoder.layers.0"
    state[f"{last}.weight"] = torch.einsum("no,oihw->nihw", basis, state[f"{last}.weight"])
    state[f"{last}.bias"] = basis @ state[f"{last}.bias"]
    state[f"{first}.weight"] = torch.einsum("no,iohw->inhw", basis, state[f"{first}.weight"])
    model.load_state_dict(state)
    return model


def main_directions(latents: torch.Tensor, count: int) -> torch.Tensor:
    """Shape (count, channels), orthonormal: the principal directions of latents of shape (n, channels, …)."""
    flat = latents.float().transpose(0, 1).flatten(1)
    _, vectors = torch.linalg.eigh(flat @ flat.T / flat.shape[1])  # by rising eigenvalue
    largest: torch.Tensor = vectors[:, -count:].T.contiguous()
    return largest


def as_input(rgb: Pixels, device: torch.device) -> torch.Tensor:
    """Bytes of shape (n, side, side, 3) to floats of shape (n, 3, side, side) from -1 to 1."""
    return as_planes(rgb, device) * 2 - 1


class AutoencoderObjective:
    """Trains encoder and decoder on detailed crops; latents are kept small and get a little noise."""

    learning_rate, constant_part, weight_decay, ema_decay, batch = 2e-3, 0.0, 1e-4, 0.995, 16

    def __init__(self, model: AutoencoderTiny, sets: list[Pictures], device: torch.device) -> None:
        self.module = model.to(memory_format=torch.channels_last)
        self._sets = sets
        self._device = device

    def loss(self, step_random: StepRandom) -> torch.Tensor:
        pictures = self._sets[int(step_random.numpy.integers(len(self._sets)))]
        wanted = as_input(np.stack([_busy_crop(pictures, step_random) for _ in range(self.batch)]), self._device)
        with fast_math(self._device):
            seen = wanted.contiguous(memory_format=torch.channels_last)
            latents: torch.Tensor = self.module.encode(seen).latents.float()
            noise = 0.1 * step_random.normal(*latents.shape)
            made = self.module.decode(latents + noise).sample.float()
        return _difference(made - wanted) + 0.003 * latents.pow(2).mean()


class DecoderObjective:
    """Trains the decoder alone, on latents with as much noise as a denoiser leaves."""

    learning_rate, constant_part, weight_decay, ema_decay, batch = 1e-3, 0.0, 1e-4, 0.998, 16

    def __init__(self, model: AutoencoderTiny, sets: list[Pictures], latents: list[torch.Tensor], device: torch.device):
        self.module = model.to(memory_format=torch.channels_last)
        self.module.encoder.requires_grad_(False)
        self._sets, self._latents, self._device = sets, latents, device
        weight = torch.ones(_CROP, _CROP)
        weight[:_BORDER], weight[-_BORDER:], weight[:, :_BORDER], weight[:, -_BORDER:] = 0.3, 0.3, 0.3, 0.3
        self._weight = weight.to(device)

    def loss(self, step_random: StepRandom) -> torch.Tensor:
        which = int(step_random.numpy.integers(len(self._sets)))
        crops = [self._crop(which, step_random) for _ in range(self.batch)]
        wanted = as_input(np.stack([crop for crop, _ in crops]), self._device)
        latents = torch.stack([latent for _, latent in crops]).float().to(self._device)
        latents = latents + 0.12 * step_random.uniform(self.batch, 1, 1, 1) * step_random.normal(*latents.shape)
        with fast_math(self._device):
            made = self.module.decode(latents.contiguous(memory_format=torch.channels_last)).sample.float()
        return _difference((made - wanted) * self._weight)

    def _crop(self, which: int, step_random: StepRandom) -> tuple[Pixels, torch.Tensor]:
        pictures, latents = self._sets[which], self._latents[which]
        index = int(step_random.numpy.integers(len(pictures)))
        small = _CROP // SHRINK
        corners = step_random.numpy.integers(0, latents.shape[-1] - small + 1, (2, 2))
        options = [(_window(pictures.rgb[index], SHRINK * y, SHRINK * x), y, x) for y, x in corners]
        crop, y, x = max(options, key=lambda option: _detail(option[0]))
        return crop, latents[index, :, y : y + small, x : x + small]


@torch.no_grad()
def encode_all(model: AutoencoderTiny, pictures: Pictures, device: torch.device) -> torch.Tensor:
    """The encoder's latents in half precision, of shape (n, channels, side/8, side/8)."""
    model = model.to(device, memory_format=torch.channels_last).eval()
    parts = []
    for start in range(0, len(pictures), _ENCODE_BATCH_SIZE):
        seen = as_input(pictures.rgb[start : start + _ENCODE_BATCH_SIZE], device)
        with fast_math(device):
            latents = model.encode(seen.contiguous(memory_format=torch.channels_last)).latents
        parts.append(latents.half().cpu())
    return torch.cat(parts)


@torch.no_grad()
def fidelity(model: AutoencoderTiny, pictures: Pictures, device: torch.device) -> float:
    """Peak signal-to-noise ratio, in dB, of encoded and decoded pictures."""
    model = model.to(device).eval()
    errors = []
    for start in range(0, len(pictures), _ENCODE_BATCH_SIZE):
        wanted = as_input(pictures.rgb[start : start + _ENCODE_BATCH_SIZE], device)
        made = model.decode(model.encode(wanted).latents).sample.clamp(-1, 1)
        errors.append((made - wanted).pow(2).mean((1, 2, 3)))
    return 10 * math.log10(4 / torch.cat(errors).mean().item())


def _initialise(layer: nn.Conv2d) -> None:
    nn.init.kaiming_normal_(layer.weight, nonlinearity="linear")
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def _difference(error: torch.Tensor) -> torch.Tensor:
    """The error and its gradient, so that contours stay sharp."""
    edges = (error[..., 1:] - error[..., :-1]).abs().mean() + (error[..., 1:, :] - error[..., :-1, :]).abs().mean()
    return error.abs().mean() + 2 * error.pow(2).mean() + 0.5 * edges


def _busy_crop(pictures: Pictures, step_random: StepRandom) -> Pixels:
    """Of two random crops usually the one with more detail, since plain background teaches nothing."""
    rgb = pictures.rgb[int(step_random.numpy.integers(len(pictures)))]
    first, second = (_window(rgb, y, x) for y, x in step_random.numpy.integers(0, rgb.shape[0] - _CROP + 1, (2, 2)))
    return max(first, second, key=_detail) if step_random.numpy.random() < 0.8 else first


def _window(rgb: Pixels, y: int, x: int) -> Pixels:
    return rgb[y : y + _CROP, x : x + _CROP]


def _detail(crop: Pixels) -> float:
    return float(crop[::4, ::4].std(axis=(0, 1)).sum())
