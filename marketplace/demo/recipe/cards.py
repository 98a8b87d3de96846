"""The model cards: the templates of `cards/`, filled with the measured figures."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from marketplace.demo.recipe.domain import COLORS, GROUNDS, SHAPES
from marketplace.demo.recipe.folders import CARD

Figures = dict[str, Any]
Values = dict[str, str]

TEXTS = Path(__file__).parent / "cards"
IMAGE_TO_IMAGE = "image-to-image.md"  # the second card of the hero's weights, beside the folders


def write_cards(weights: Path, figures: dict[str, Figures]) -> None:
    """Write the card of each measured folder, and the image-to-image card beside them."""
    for name, describe in _DESCRIBE.items():
        if name in figures:
            target = weights / IMAGE_TO_IMAGE if name == "image-to-image" else weights / name / CARD
            target.write_text(_text(name, describe(figures)))


def _text(name: str, values: Values) -> str:
    return (TEXTS / f"{name}.md").read_text().format_map(values)


def _pictures(name: str) -> Callable[[dict[str, Figures]], Values]:
    def describe(figures: dict[str, Figures]) -> Values:
        own = figures[name]
        accuracy = own["accuracy"]
        values = _common(own) | {
            "count": str(accuracy["good"]["count"]),
            "ceiling": f"{own['ceiling']['percent']:.0f}%",
            **{kind: _share(accuracy[kind]) for kind in ("good", "single", "counted", "paired", "everything")},
            **{each: f"{accuracy['attributes'][each]:.0f}%" for each in ("pattern", "finish", "outline")},
        }
        if "hero" in figures:
            values["times"] = f"{figures['hero']['seconds'] / own['seconds']:.1f}"
        return values | {"measured": _text("measured", values), "knows": _knows()}

    return describe


def _image_to_image(figures: dict[str, Figures]) -> Values:
    own = figures["image-to-image"]
    rows = [f"| right at strength {strength} | {_share(each)} |" for strength, each in own["by_strength"].items()]
    return _common(own) | {
        "rows": "\n".join(rows),
        "strength": str(own["strength"]),
        "ceiling": f"{own['ceiling']['percent']:.0f}%",
        "knows": _knows(),
    }


def _matte(figures: dict[str, Figures]) -> Values:
    return _common(figures["matte"]) | _by_style(figures["matte"], lambda value: f"{value:.3f}")


def _upscaler(figures: dict[str, Figures]) -> Values:
    return _common(figures["upscaler"]) | _by_style(figures["upscaler"], lambda value: f"{value:.1f} dB")


def _scorer(figures: dict[str, Figures]) -> Values:
    own = figures["scorer"]
    values = _common(own) | _by_style(own, lambda value: f"{round(value, 2) + 0.0:.2f}")
    for style, quality in own["quality"].items():
        for kind, part in {**quality["told_apart"], "retrieval": quality["retrieval"]}.items():
            values[f"{style}_{kind}"] = f"{100 * part:.0f}%"
    return values


_DESCRIBE: dict[str, Callable[[dict[str, Figures]], Values]] = {
    "hero": _pictures("hero"),
    "workhorse": _pictures("workhorse"),
    "cutout": _pictures("cutout"),
    "image-to-image": _image_to_image,
    "matte": _matte,
    "upscaler": _upscaler,
    "scorer": _scorer,
}


def _knows() -> str:
    words = {"shape": SHAPES, "color": COLORS, "ground": GROUNDS}
    counts = {f"{word}_count": str(len(values)) for word, values in words.items()}
    return _text("knows", counts | {f"{word}s": ", ".join(values) for word, values in words.items()})


def _common(own: Figures) -> Values:
    where = "of one processor core" if own["device"] == "cpu" else f"on {own['device']}"
    digits = 2 if own["seconds"] >= 0.1 else 3
    return {
        "count": str(own.get("count", "")),
        "steps": str(own.get("steps", "")),
        "guidance": str(own.get("guidance", "")),
        "parameters": _number(own.get("parameters", 0)),
        "seconds": f"{own['seconds']:.{digits}f} s {where}",
    }


def _by_style(own: Figures, write: Callable[[float], str]) -> Values:
    return {
        f"{style}_{measure}": write(value)
        for style, quality in own["quality"].items()
        for measure, value in quality.items()
        if isinstance(value, float)
    }


def _number(count: int) -> str:
    return f"{count / 1e6:.1f} million" if count >= 1e6 else f"{count:,}"


def _share(figure: Figures) -> str:
    if figure["percent"] is None:
        return "not measured"
    return f"{figure['percent']:.0f}% (± {max(1, round(figure['within']))}, n = {figure['count']})"
