"""An icon's attributes as classes: the checker predicts them, and the scorer has an auxiliary loss on them."""

from collections.abc import Sequence

import torch

from marketplace.demo.recipe.domain import COLORS, FINISHES, GROUNDS, OUTLINES, PATTERNS, SHAPES, Icon

CLASSES: dict[str, tuple[str, ...]] = {
    "shape": SHAPES,
    "color": COLORS,
    "ground": GROUNDS,
    "pattern": PATTERNS,
    "finish": FINISHES,
    "outline": ("none", *OUTLINES),
    "count": ("1", "2", "3", "pair"),
    "partner_shape": ("none", *SHAPES),
    "partner_color": ("none", *COLORS),
}


def attributes(icon: Icon) -> dict[str, str]:
    """The class of each attribute of an icon."""
    color, shape = icon.partner or ("none", "none")
    return {
        "shape": icon.shape,
        "color": icon.color,
        "ground": icon.ground,
        "pattern": icon.pattern,
        "finish": icon.finish,
        "outline": icon.outline or "none",
        "count": "pair" if icon.partner else str(icon.count),
        "partner_shape": shape,
        "partner_color": color,
    }


def labels(icons: Sequence[Icon]) -> torch.Tensor:
    """Shape (n, attributes): the index of each class."""
    return torch.tensor([[CLASSES[name].index(value) for name, value in attributes(icon).items()] for icon in icons])
