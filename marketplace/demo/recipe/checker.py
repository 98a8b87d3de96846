"""The checker: a small classifier of an icon's attributes, to compare a picture with its caption."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn

from marketplace.demo.recipe.attributes import CLASSES, labels
from marketplace.demo.recipe.domain import Icon
from marketplace.demo.recipe.loop import StepRandom, fast_math
from marketplace.demo.recipe.pictures import Pictures, as_planes
from marketplace.demo.recipe.render import NATIVE, Pixels

_SEEN = 64  # side of its input in pixels
_BATCH_SIZE = 64


class Checker(nn.Module):
    """A convolutional network with one classification head for each attribute."""

    def __init__(self) -> None:
        super().__init__()
        plan = ((3, 24, 2), (24, 48, 2), (48, 48, 1), (48, 96, 2), (96, 96, 1), (96, 128, 2))
        self.features = nn.Sequential(*(_block(*each) for each in plan))
        self.heads = nn.ModuleList([nn.Linear(128 * (_SEEN // 16) ** 2, len(classes)) for classes in CLASSES.values()])

    def forward(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        """Logits of each attribute, for input of shape (n, 3, 64, 64) from -1 to 1."""
        features = F.dropout(self.features(pictures).flatten(1), 0.1, self.training)
        return [head(features) for head in self.heads]


def _block(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())


class CheckerObjective:
    """Classification of each attribute, on slightly blurred and tinted pictures, for robustness to small flaws."""

    learning_rate, constant_part, weight_decay, ema_decay, batch = 2e-3, 0.0, 1e-2, 0.99, 64

    def __init__(self, model: Checker, sets: list[Pictures], device: torch.device) -> None:
        self.module = model
        self._sets, self._device = sets, device
        self._labels = [labels(pictures.icons()) for pictures in sets]

    def loss(self, step_random: StepRandom) -> torch.Tensor:
        which = int(step_random.numpy.integers(len(self._sets)))
        pictures = self._sets[which]
        chosen = np.sort(step_random.numpy.choice(len(pictures), self.batch, replace=False))
        seen = _seen(pictures.rgb[chosen], self._device)
        seen = seen + 0.04 * step_random.uniform(self.batch, 1, 1, 1) * step_random.normal(*seen.shape)
        seen = seen + 0.02 * step_random.normal(self.batch, 3, 1, 1)
        if step_random.numpy.random() < 1 / 3:
            seen = F.avg_pool2d(F.pad(seen, (1, 1, 1, 1), mode="replicate"), 3, 1)
        with fast_math(self._device):
            answers = self.module(seen)
        truth = self._labels[which][chosen].to(self._device)
        return torch.stack([F.cross_entropy(each.float(), truth[:, n]) for n, each in enumerate(answers)]).sum()


def save_checker(model: Checker, file: Path) -> None:
    """Write the weights in half precision, atomically."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".draft")
    state = model.state_dict().items()
    save_file({name: (each.half() if each.is_floating_point() else each).contiguous() for name, each in state}, draft)
    draft.replace(file)


def load_checker(file: Path) -> Checker:
    """Read the weights, in single precision, for inference."""
    model = Checker()
    model.load_state_dict(load_file(file))
    return model.float().eval()


@torch.no_grad()
def verdicts(model: Checker, rgb: Pixels, icons: Sequence[Icon], device: torch.device) -> dict[str, torch.Tensor]:
    """For each attribute whether the pictures (n, 128, 128, 3) show the icons' values."""
    model = model.to(device).eval()
    found = [
        torch.stack([each.argmax(1) for each in model(_seen(rgb[start : start + _BATCH_SIZE], device))], 1).cpu()
        for start in range(0, len(rgb), _BATCH_SIZE)
    ]
    right = torch.cat(found) == labels(icons)
    return {name: right[:, number] for number, name in enumerate(CLASSES)}


def _seen(rgb: Pixels, device: torch.device) -> torch.Tensor:
    return F.avg_pool2d(as_planes(rgb, device), NATIVE // _SEEN) * 2 - 1
