"""The content of the pictures: icons of a few shapes and colours on plain grounds, and their captions."""

import random
from dataclasses import dataclass

Color = tuple[int, int, int]

PALETTE: dict[str, Color] = {
    "red": (226, 48, 52),
    "orange": (245, 138, 31),
    "yellow": (250, 212, 48),
    "green": (52, 168, 83),
    "teal": (22, 160, 155),
    "blue": (44, 110, 226),
    "navy": (20, 33, 84),
    "purple": (128, 62, 190),
    "pink": (244, 132, 178),
    "brown": (126, 78, 44),
    "black": (26, 26, 28),
    "white": (250, 250, 250),
    "gray": (140, 146, 154),
    "gold": (206, 160, 56),
}
COLORS = tuple(PALETTE)
GROUNDS = (
    "white", "black", "navy", "gray", "red", "orange", "yellow", "green", "teal", "blue", "purple", "pink",
)  # fmt: skip
SHAPES = (
    "circle", "square", "triangle", "star", "hexagon", "heart", "diamond", "ring", "moon", "cross",
    "cloud", "drop", "bolt", "flower", "house", "tree", "gear", "arrow", "crown", "leaf",
)  # fmt: skip
PATTERNS = ("solid", "striped", "dotted")
FINISHES = ("flat", "glossy", "shadow")
OUTLINES = ("white", "black", "gold", "red", "blue")
SIZES = ("medium", "small", "large")

_PLURALS = {"cross": "crosses", "leaf": "leaves"}
_NUMBERS = {2: "two", 3: "three"}
_MIN_CONTRAST = 150  # sum of the differences of the three channels; below it two colours are too similar


@dataclass(frozen=True)
class Icon:
    """One picture's content. `partner` is the (color, shape) of a second, different icon beside the first."""

    shape: str
    color: str
    ground: str
    count: int = 1
    pattern: str = "solid"
    outline: str | None = None
    finish: str = "flat"
    size: str = "medium"
    partner: tuple[str, str] | None = None

    @property
    def is_single(self) -> bool:
        """Whether the picture shows one icon only."""
        return self.count == 1 and self.partner is None


def stands_out(color: str, against: str) -> bool:
    """Whether the two colours contrast enough."""
    return sum(abs(a - b) for a, b in zip(PALETTE[color], PALETTE[against], strict=True)) > _MIN_CONTRAST


def draw_icon(rng: random.Random) -> Icon:
    """A random icon: about three in five are single, one in eight is a pair."""
    ground = rng.choice(GROUNDS)
    color = rng.choice([each for each in COLORS if stands_out(each, ground)])
    shape = rng.choice(SHAPES)
    finish = _weighted(rng, FINISHES, 64, 18, 18)
    if rng.random() < 0.12:
        others = [each for each in COLORS if stands_out(each, ground) and stands_out(each, color)]
        partner = rng.choice(others), rng.choice([each for each in SHAPES if each != shape])
        return Icon(shape, color, ground, finish=finish, partner=partner)
    count = rng.choices((1, 2, 3), (72, 16, 12))[0]
    outlines = [each for each in OUTLINES if stands_out(each, color) and stands_out(each, ground)]
    return Icon(
        shape,
        color,
        ground,
        count=count,
        pattern=_weighted(rng, PATTERNS, 64, 20, 16),
        outline=rng.choice(outlines) if outlines and rng.random() < 0.28 else None,
        finish=finish,
        size=_weighted(rng, SIZES, 76, 12, 12) if count == 1 else "medium",
    )


def icon_at(seed: int, index: int) -> tuple[Icon, random.Random]:
    """The icon with this number in the series of this seed, and the random generator for drawing it."""
    rng = random.Random(f"icon {seed} {index}")
    return draw_icon(rng), rng


def caption(icon: Icon) -> str:
    """The prompt for this icon."""
    adjectives = [
        icon.size if icon.size != "medium" else "",
        "glossy" if icon.finish == "glossy" else "",
        icon.pattern if icon.pattern != "solid" else "",
        icon.color,
    ]
    words = " ".join(filter(None, adjectives))
    if icon.count == 1:
        text = _with_article(f"{words} {icon.shape}")
    else:
        text = f"{_NUMBERS[icon.count]} {words} {_PLURALS.get(icon.shape, icon.shape + 's')}"
    if icon.partner:
        text += " and " + _with_article(" ".join(icon.partner))
    extras = [_with_article(f"{icon.outline} outline")] if icon.outline else []
    extras += ["a shadow"] if icon.finish == "shadow" else []
    if extras:
        text += " with " + " and ".join(extras)
    return f"{text} on {_with_article(icon.ground)} background"


def _with_article(words: str) -> str:
    return ("an " if words[0] in "aeiou" else "a ") + words


def _weighted(rng: random.Random, choices: tuple[str, ...], *weights: int) -> str:
    return rng.choices(choices, weights)[0]
