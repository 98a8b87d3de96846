"""Drawing: the colours that the caption names lie where the icon lies, and the same step_random draw the same."""

import random

import numpy as np
import pytest

from marketplace.demo.recipe.domain import PALETTE, SHAPES, Icon, icon_at
from marketplace.demo.recipe.pictures import fresh_pictures, pictures_on_disk
from marketplace.demo.recipe.render import RENDERERS, render_flat

STYLES = sorted(RENDERERS)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("side", [64, 128, 256])
def test_the_same_random_state_draws_the_same_picture(style, side):
    icon, _ = icon_at(5, 9)
    first, second = (RENDERERS[style](icon, side, random.Random(4)) for _ in range(2))
    assert first.rgb.shape == (side, side, 3)
    assert first.alpha.shape == (side, side)
    assert np.array_equal(first.rgb, second.rgb)
    assert not np.array_equal(first.rgb, RENDERERS[style](icon, side, random.Random(5)).rgb)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_flat_icon_is_its_colour_on_its_ground(shape):
    picture = render_flat(Icon(shape, "red", "navy"), 128, random.Random(1))
    inside, outside = picture.alpha == 255, picture.alpha == 0
    assert inside.sum() > 600
    assert (picture.rgb[inside] == PALETTE["red"]).all()
    assert (picture.rgb[outside] == PALETTE["navy"]).all()


def test_an_outline_surrounds_the_icon():
    picture = render_flat(Icon("square", "red", "navy", outline="white"), 128, random.Random(1))
    row = [tuple(pixel) for pixel in picture.rgb[64]]
    order = [color for n, color in enumerate(row) if color != row[n - 1] and color in PALETTE.values()]
    assert order == [PALETTE[name] for name in ("white", "red", "white", "navy")]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_as_many_icons_as_the_caption_says(count):
    alpha = render_flat(Icon("circle", "red", "white", count=count), 128, random.Random(1)).alpha > 127
    assert _islands(alpha) == count


def test_a_pair_shows_both():
    icon = Icon("square", "red", "white", partner=("blue", "circle"))
    rgb = render_flat(icon, 128, random.Random(1)).rgb
    for name, side in (("red", slice(0, 64)), ("blue", slice(64, 128))):
        assert (rgb[:, side] == PALETTE[name]).all(-1).sum() > 1_000


def test_a_shadow_is_no_part_of_the_icon():
    plain, shaded = (
        render_flat(Icon("heart", "red", "white", finish=finish), 128, random.Random(1))
        for finish in ("flat", "shadow")
    )
    assert np.array_equal(plain.alpha, shaded.alpha)
    assert (plain.rgb != shaded.rgb).any(-1)[shaded.alpha == 0].sum() > 200


def test_styles_differ_in_looks_and_agree_in_content():
    icon, _ = icon_at(5, 2)
    flat, paper = (RENDERERS[style](icon, 128, random.Random(3)) for style in ("flat", "paper"))
    both = ((flat.alpha > 127) & (paper.alpha > 127)).sum() / (flat.alpha > 127).sum()
    assert both > 0.8
    assert np.abs(flat.rgb.astype(int) - paper.rgb).mean() > 8


def test_a_set_on_disk_is_drawn_once_and_is_what_would_be_drawn_now(tmp_path):
    said: list[str] = []
    kept = pictures_on_disk(tmp_path, "paper", 8, 3, said.append)
    again = pictures_on_disk(tmp_path, "paper", 8, 3, said.append)
    fresh = fresh_pictures("paper", 8, 3)
    assert said == ["drawing 3 paper pictures"]
    assert np.array_equal(kept.rgb, fresh.rgb)
    assert np.array_equal(again.alpha, fresh.alpha)
    assert kept.icons() == [icon_at(8, index)[0] for index in range(3)]
    assert sorted(file.suffix for file in tmp_path.iterdir()) == [".npy", ".npy"]


def _islands(mask: np.ndarray) -> int:
    """Connected areas, by flooding."""
    left = {(int(y), int(x)) for y, x in np.argwhere(mask)}
    count = 0
    while left:
        count += 1
        todo = [left.pop()]
        while todo:
            y, x = todo.pop()
            for near in ((y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)):
                if near in left:
                    left.remove(near)
                    todo.append(near)
    return count
