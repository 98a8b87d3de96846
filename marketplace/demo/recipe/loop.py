"""The training loop that every model shares: seeded by step, cut at any moment, taken up where it was."""

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
_LAST_RATE = 0.01  # of the full rate
_REPORT_EVERY = 20.0  # seconds
_SAVE_EVERY = 90.0  # seconds


@dataclass(frozen=True)
class Budget:
    """How long to train: minutes of work, or a number of steps where the result must be the same everywhere."""

    minutes: float | None = None
    steps: int | None = None

    def progress(self, step: int, seconds: float) -> float:
        """From 0 to 1."""
        if self.steps is not None:
            return min(1.0, step / self.steps)
        return min(1.0, seconds / (60 * (self.minutes or 1e-9)))


class Dice:
    """The chance of one step: the same step of the same seed always draws the same, cut or not."""

    def __init__(self, seed: int, step: int, device: torch.device) -> None:
        self.numpy = np.random.default_rng((seed, step))
        self.device = device
        self._torch = torch.Generator().manual_seed(int(self.numpy.integers(2**62)))

    def normal(self, *shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=self._torch).to(self.device)

    def uniform(self, *shape: int) -> torch.Tensor:
        return torch.rand(shape, generator=self._torch).to(self.device)


class Lesson(Protocol):
    """What is trained and how one step's loss comes about.

    Attributes:
        module: its parameters that require a gradient are trained.
        rate: AdamW's learning rate at its highest.
        steady: the part of the training before the rate falls, along a cosine.
        decay: AdamW's weight decay.
        memory: how much of the running mean of the weights stays at each step.
        batch: samples a step, for the report.
    """

    rate: float
    steady: float
    decay: float
    memory: float
    batch: int

    @property
    def module(self) -> nn.Module: ...

    def loss(self, dice: Dice) -> torch.Tensor: ...


def fast_math(device: torch.device) -> AbstractContextManager[object]:
    """Matrix products in bfloat16."""
    return torch.autocast(device.type, torch.bfloat16)


def train(
    lesson: Lesson, *, budget: Budget, seed: int, device: torch.device, checkpoint: Path, report: Report,
    until: int | None = None,
) -> None:  # fmt: skip
    """Train until the budget is used up, then put the running mean of the weights into the module.

    The checkpoint is replaced at once every minute and a half; where it exists, training goes on from it.

    Args:
        until: stop, with a checkpoint, before this step; what a cut looks like.
    """
    lesson.module.to(device).train()
    weights = [each for each in lesson.module.parameters() if each.requires_grad]
    mean = [each.detach().clone() for each in weights]
    optimizer = torch.optim.AdamW(weights, lesson.rate, betas=(0.9, 0.99), weight_decay=lesson.decay, fused=True)
    step, seconds = _restore(checkpoint, lesson, mean, optimizer)
    started = saved = reported = time.monotonic() - seconds
    saved, reported, losses = saved + seconds, reported + seconds, list[torch.Tensor]()
    while (progress := budget.progress(step, seconds)) < 1 and step != until:
        for group in optimizer.param_groups:
            group["lr"] = lesson.rate * _rate(step, progress, lesson.steady)
        with torch.enable_grad():  # the runtime, in the same process, switches gradients off for all
            loss = lesson.loss(Dice(seed, step, device))
            torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
        torch._foreach_lerp_(
            mean, [each.detach() for each in weights], 1 - min(lesson.memory, (1 + step) / (10 + step))
        )
        losses.append(loss.detach())
        now = time.monotonic()
        seconds = now - started
        if now - reported > _REPORT_EVERY:
            pace = len(losses) * lesson.batch / (now - reported)
            average = torch.stack(losses).mean().item()
            report(f"{100 * progress:3.0f}%  step {step}  {seconds:.0f} s  {pace:.0f} samples/s  loss {average:.4f}")
            reported, losses = now, []
        if now - saved > _SAVE_EVERY:
            _save(checkpoint, lesson, mean, optimizer, step, seconds)
            saved = now
    _save(checkpoint, lesson, mean, optimizer, step, seconds)
    with torch.no_grad():
        for weight, average_weight in zip(weights, mean, strict=True):
            weight.copy_(average_weight)
    lesson.module.eval()


def _rate(step: int, progress: float, steady: float) -> float:
    warm = min(1.0, (step + 1) / _WARM_UP)
    if progress < steady:
        return warm
    falling = 0.5 + 0.5 * math.cos(math.pi * (progress - steady) / (1 - steady))
    return warm * max(_LAST_RATE, falling)


def _save(
    checkpoint: Path, lesson: Lesson, mean: list[torch.Tensor], optimizer: torch.optim.Optimizer, step: int,
    seconds: float,
) -> None:  # fmt: skip
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    draft = checkpoint.with_suffix(".draft")
    state = {
        "module": lesson.module.state_dict(),
        "mean": mean,
        "optimizer": optimizer.state_dict(),
        "step": step,
        "seconds": seconds,
    }
    torch.save(state, draft)
    draft.replace(checkpoint)


def _restore(
    checkpoint: Path, lesson: Lesson, mean: list[torch.Tensor], optimizer: torch.optim.Optimizer
) -> tuple[int, float]:
    if not checkpoint.exists():
        return 0, 0.0
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    lesson.module.load_state_dict(state["module"])
    for kept, saved in zip(mean, state["mean"], strict=True):
        kept.copy_(saved)
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"]), float(state["seconds"])
