"""The training loop of all models: seeded by step, resumable after an interruption at any moment."""

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import nn

Report = Callable[[str], None]

_WARM_UP = 50  # steps until the full rate
_MIN_RATE = 0.01  # of the full rate
_REPORT_SECONDS = 20.0  # seconds
_CHECKPOINT_SECONDS = 90.0  # seconds


@dataclass(frozen=True)
class Budget:
    """How long to train: minutes of work, or a number of steps for a reproducible result."""

    minutes: float | None = None
    steps: int | None = None

    def progress(self, step: int, seconds: float) -> float:
        """The part of the budget that is used, from 0 to 1."""
        if self.steps is not None:
            return min(1.0, step / self.steps)
        return min(1.0, seconds / (60 * (self.minutes or 1e-9)))


class StepRandom:
    """The random numbers of one step. They depend only on seed and step, so that a resumed run draws the same ones."""

    def __init__(self, seed: int, step: int, device: torch.device) -> None:
        self.numpy = np.random.default_rng((seed, step))
        self.device = device
        self._torch = torch.Generator().manual_seed(int(self.numpy.integers(2**62)))

    def normal(self, *shape: int) -> torch.Tensor:
        """Standard normal numbers."""
        return torch.randn(shape, generator=self._torch).to(self.device)

    def uniform(self, *shape: int) -> torch.Tensor:
        """Uniform numbers from 0 to 1."""
        return torch.rand(shape, generator=self._torch).to(self.device)


class Objective(Protocol):
    """What is trained: a module, its hyperparameters and the loss of one step.

    Attributes:
        module: its parameters that require a gradient are trained.
        learning_rate: AdamW's maximum learning rate.
        constant_part: the part of the training, from 0 to 1, before the learning rate decays along a cosine.
        weight_decay: AdamW's weight decay.
        ema_decay: the decay of the exponential moving average of the weights.
        batch: samples of a step, for the report.
    """

    learning_rate: float
    constant_part: float
    weight_decay: float
    ema_decay: float
    batch: int

    @property
    def module(self) -> nn.Module: ...

    def loss(self, step_random: StepRandom) -> torch.Tensor: ...


def fast_math(device: torch.device) -> AbstractContextManager[object]:
    """Matrix products in bfloat16."""
    return torch.autocast(device.type, torch.bfloat16)


def train(
    objective: Objective, *, budget: Budget, seed: int, device: torch.device, checkpoint: Path, report: Report,
    until: int | None = None,
) -> None:  # fmt: skip
    """Train until the budget is used up, then put the moving average of the weights into the module.

    The checkpoint is replaced atomically every minute and a half; if it exists, training goes on from it.

    Args:
        until: stop before this step, with a checkpoint, as an interruption would.
    """
    objective.module.to(device).train()
    weights = [each for each in objective.module.parameters() if each.requires_grad]
    mean = [each.detach().clone() for each in weights]
    optimizer = torch.optim.AdamW(
        weights, objective.learning_rate, betas=(0.9, 0.99), weight_decay=objective.weight_decay, fused=True
    )
    step, seconds = _restore(checkpoint, objective, mean, optimizer)
    started = saved = reported = time.monotonic() - seconds
    saved, reported, losses = saved + seconds, reported + seconds, list[torch.Tensor]()
    while (progress := budget.progress(step, seconds)) < 1 and step != until:
        for group in optimizer.param_groups:
            group["lr"] = objective.learning_rate * _rate(step, progress, objective.constant_part)
        with torch.enable_grad():  # the runtime disables gradients for the whole process
            loss = objective.loss(StepRandom(seed, step, device))
            torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
        torch._foreach_lerp_(
            mean, [each.detach() for each in weights], 1 - min(objective.ema_decay, (1 + step) / (10 + step))
        )
        losses.append(loss.detach())
        now = time.monotonic()
        seconds = now - started
        if now - reported > _REPORT_SECONDS:
            pace = len(losses) * objective.batch / (now - reported)
            average = torch.stack(losses).mean().item()
            report(f"{100 * progress:3.0f}%  step {step}  {seconds:.0f} s  {pace:.0f} samples/s  loss {average:.4f}")
            reported, losses = now, []
        if now - saved > _CHECKPOINT_SECONDS:
            _save(checkpoint, objective, mean, optimizer, step, seconds)
            saved = now
    _save(checkpoint, objective, mean, optimizer, step, seconds)
    with torch.no_grad():
        for weight, average_weight in zip(weights, mean, strict=True):
            weight.copy_(average_weight)
    objective.module.eval()


def _rate(step: int, progress: float, steady: float) -> float:
    warm = min(1.0, (step + 1) / _WARM_UP)
    if progress < steady:
        return warm
    falling = 0.5 + 0.5 * math.cos(math.pi * (progress - steady) / (1 - steady))
    return warm * max(_MIN_RATE, falling)


def _save(
    checkpoint: Path, objective: Objective, mean: list[torch.Tensor], optimizer: torch.optim.Optimizer, step: int,
    seconds: float,
) -> None:  # fmt: skip
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    draft = checkpoint.with_suffix(".draft")
    state = {
        "module": objective.module.state_dict(),
        "mean": mean,
        "optimizer": optimizer.state_dict(),
        "step": step,
        "seconds": seconds,
    }
    torch.save(state, draft)
    draft.replace(checkpoint)


def _restore(
    checkpoint: Path, objective: Objective, mean: list[torch.Tensor], optimizer: torch.optim.Optimizer
) -> tuple[int, float]:
    if not checkpoint.exists():
        return 0, 0.0
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    objective.module.load_state_dict(state["module"])
    for kept, saved in zip(mean, state["mean"], strict=True):
        kept.copy_(saved)
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"]), float(state["seconds"])
