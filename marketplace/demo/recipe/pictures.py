"""Sets of drawn pictures on disk, drawn once and then memory-mapped."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from marketplace.demo.recipe.domain import Icon, icon_at
from marketplace.demo.recipe.render import NATIVE, RENDERERS, Pixels

Report = Callable[[str], None]


@dataclass(frozen=True)
class Pictures:
    """Pictures `0 … len - 1` of a series. Their content is not stored, since it follows from the seed."""

    style: str
    seed: int
    rgb: Pixels  # n × side × side × 3
    alpha: Pixels  # n × side × side

    def __len__(self) -> int:
        return len(self.rgb)

    def first(self, count: int) -> "Pictures":
        """The first `count` pictures."""
        return Pictures(self.style, self.seed, self.rgb[:count], self.alpha[:count])

    def icon(self, index: int) -> Icon:
        """The content of one picture."""
        return icon_at(self.seed, index)[0]

    def icons(self) -> list[Icon]:
        """The content of all pictures."""
        return [self.icon(index) for index in range(len(self))]


def as_planes(rgb: Pixels, device: torch.device) -> torch.Tensor:
    """Bytes of shape (n, side, side, 3) to floats of shape (n, 3, side, side) from 0 to 1."""
    return torch.tensor(rgb).to(device).permute(0, 3, 1, 2).float() / 255


def fresh_pictures(style: str, seed: int, count: int, side: int = NATIVE) -> Pictures:
    """Pictures drawn in memory, for measuring."""
    rgb = np.empty((count, side, side, 3), np.uint8)
    alpha = np.empty((count, side, side), np.uint8)
    _draw(style, seed, rgb, alpha)
    return Pictures(style, seed, rgb, alpha)


def pictures_on_disk(folder: Path, style: str, seed: int, count: int, report: Report, side: int = NATIVE) -> Pictures:
    """The set of this name in `folder`, drawn first if it is missing."""
    stem = f"{style}-{side}-{seed}-{count}"
    files = folder / f"{stem}.rgb.npy", folder / f"{stem}.alpha.npy"
    if not all(file.exists() for file in files):
        folder.mkdir(parents=True, exist_ok=True)
        report(f"drawing {count} {style} pictures")
        drafts = [file.with_suffix(".draft") for file in files]
        shapes = (count, side, side, 3), (count, side, side)
        maps = [
            np.lib.format.open_memmap(draft, "w+", np.uint8, shape) for draft, shape in zip(drafts, shapes, strict=True)
        ]
        _draw(style, seed, *maps)
        for draft, file, each in zip(drafts, files, maps, strict=True):
            each.flush()
            draft.replace(file)
    return Pictures(style, seed, *(np.load(file, mmap_mode="r") for file in files))


def _draw(style: str, seed: int, rgb: npt.NDArray[np.uint8], alpha: npt.NDArray[np.uint8]) -> None:
    render = RENDERERS[style]
    for index in range(len(rgb)):
        icon, rng = icon_at(seed, index)
        rgb[index], alpha[index] = render(icon, rgb.shape[1], rng)
