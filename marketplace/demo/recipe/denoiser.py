"""The denoiser and its text encoder, trained together by flow matching on latents."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from diffusers import DPMSolverMultistepScheduler, UNet2DConditionModel
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from marketplace.demo.recipe.loop import StepRandom, fast_math
from marketplace.demo.recipe.tokens import MAX_TOKENS, token_ids

TEXT_WIDTH = 128
_TRAIN_STEPS = 1000  # the denoiser takes times from 0 to 1 in thousandths
_WITHOUT_CAPTION = 0.1


@dataclass(frozen=True)
class DenoiserSize:
    """`widths`: the channels of the three levels, each a multiple of 16."""

    widths: tuple[int, int, int]
    channels: int = 8
    side: int = 16


def new_text_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """An untrained text encoder for the tokenizer's vocabulary."""
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=TEXT_WIDTH,
        intermediate_size=4 * TEXT_WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=MAX_TOKENS,
        projection_dim=TEXT_WIDTH,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        hidden_act="gelu",
    )
    model = CLIPTextModel(config)
    for name, weight in model.named_parameters():
        if "embedding" in name:
            nn.init.normal_(weight, std=0.3 if "token" in name else 0.1)
    return model


def new_denoiser(size: DenoiserSize) -> UNet2DConditionModel:
    """An untrained denoiser."""
    return UNet2DConditionModel(
        sample_size=size.side,
        in_channels=size.channels,
        out_channels=size.channels,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=size.widths,
        layers_per_block=1,
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=4,
        norm_num_groups=16,
    )


@torch.no_grad()
def with_projected_latents(donor: UNet2DConditionModel, basis: torch.Tensor) -> UNet2DConditionModel:
    """A trained denoiser for latents projected by `basis`, of shape (new channels, old channels)."""
    channels = len(basis)
    model = UNet2DConditionModel.from_config({**donor.config, "in_channels": channels, "out_channels": channels})
    state = donor.state_dict()
    state["conv_in.weight"] = torch.einsum("no,iohw->inhw", basis, state["conv_in.weight"])
    state["conv_out.weight"] = torch.einsum("no,oihw->nihw", basis, state["conv_out.weight"])
    state["conv_out.bias"] = basis @ state["conv_out.bias"]
    model.load_state_dict(state)
    return model


@torch.no_grad()
def pruned(donor: UNet2DConditionModel, size: DenoiserSize) -> UNet2DConditionModel:
    """A narrower denoiser initialised with evenly spaced channels of a trained one."""
    model = new_denoiser(size)
    wide = donor.state_dict()
    concatenated = _concatenated_levels(donor.config.block_out_channels, size.widths)
    for name, weight in model.state_dict().items():
        kept = wide[name]
        for dimension, (before, after) in enumerate(zip(kept.shape, weight.shape, strict=True)):
            if before != after:
                chosen = _chosen(concatenated.get((before, after), ((before, after),)))
                kept = kept.index_select(dimension, chosen)
                if dimension == 1:
                    kept = kept * (before / after)  # keeps the scale of sums over fewer inputs
        weight.copy_(kept)
    return model


def _concatenated_levels(
    wide: Sequence[int], narrow: Sequence[int]
) -> dict[tuple[int, int], tuple[tuple[int, int], ...]]:
    """The sizes of both parts where skip connections concatenate the channels of two levels."""
    levels = list(zip(wide, narrow, strict=True))
    pairs = [(levels[above], levels[below]) for above in range(3) for below in range(3)]
    return {(a[0] + b[0], a[1] + b[1]): (a, b) for a, b in pairs}


def _chosen(parts: tuple[tuple[int, int], ...]) -> torch.Tensor:
    """Evenly spaced indices of the channels to keep, part by part, so that heads and groups keep their proportions."""
    numbers, start = list[int](), 0
    for before, after in parts:
        numbers += [start + number * before // after for number in range(after)]
        start += before
    return torch.tensor(numbers)


def new_scheduler() -> DPMSolverMultistepScheduler:
    """A stock solver for the flow that the denoiser predicts."""
    return DPMSolverMultistepScheduler(
        prediction_type="flow_prediction",
        use_flow_sigmas=True,
        flow_shift=1.0,
        timestep_spacing="linspace",
        steps_offset=1,
        solver_order=2,
    )


class FlowObjective:
    """Flow matching: from noise e and latents x, the denoiser gets (1 - t) x + t e and predicts e - x."""

    weight_decay, ema_decay, batch = 1e-2, 0.998, 24

    def __init__(
        self,
        text_encoder: CLIPTextModel,
        denoiser: UNet2DConditionModel,
        tokenizer: CLIPTokenizer,
        captions: list[str],
        latents: torch.Tensor,
        device: torch.device,
        rate: float = 1e-3,
        steady: float = 0.5,
    ) -> None:
        """Args: `latents`: shape (n, channels, side, side), scaled to unit variance; one caption each."""
        self.module = nn.ModuleDict({"text_encoder": text_encoder, "denoiser": denoiser})
        self.learning_rate, self.constant_part = rate, steady
        self._ids, self._empty = token_ids(tokenizer, captions), token_ids(tokenizer, [""])
        self._latents, self._device = latents, device

    def loss(self, step_random: StepRandom) -> torch.Tensor:
        chosen = torch.from_numpy(step_random.numpy.integers(len(self._latents), size=self.batch))
        latents = self._latents[chosen].float().to(self._device)
        empty = step_random.uniform(self.batch, 1) < _WITHOUT_CAPTION
        ids = torch.where(empty, self._empty.to(self._device), self._ids[chosen].to(self._device))
        times = self._times(step_random)
        share = times[:, None, None, None]
        noise = step_random.normal(*latents.shape)
        with fast_math(self._device):
            text = self.module["text_encoder"](ids)[0]
            mixed = (1 - share) * latents + share * noise
            flow = self.module["denoiser"](mixed, times * _TRAIN_STEPS, text).sample
        return F.mse_loss(flow.float(), noise - latents)

    def _times(self, step_random: StepRandom) -> torch.Tensor:
        """Mostly times in the middle, which decide the shape; a few uniform ones."""
        middle = torch.sigmoid(1.1 * step_random.normal(self.batch) + 0.2)
        return torch.where(step_random.uniform(self.batch) < 0.15, step_random.uniform(self.batch), middle)
