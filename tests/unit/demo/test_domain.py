"""Icons and their captions."""

import dataclasses
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.demo.recipe.attributes import CLASSES, attributes, labels
from marketplace.demo.recipe.domain import GROUNDS, OUTLINES, SHAPES, Icon, caption, draw_icon, icon_at, stands_out
from marketplace.demo.recipe.outlines import OUTLINES_OF
from marketplace.demo.recipe.scorer import KINDS, altered

seeds = st.integers(0, 2**32)


@pytest.mark.parametrize(
    ("icon", "words"),
    [
        (Icon("leaf", "green", "yellow", pattern="striped"), "a striped green leaf on a yellow background"),
        (Icon("leaf", "orange", "orange", count=3), "three orange leaves on an orange background"),
        (
            Icon("cross", "red", "navy", count=2, outline="gold"),
            "two red crosses with a gold outline on a navy background",
        ),
        (
            Icon("ring", "gold", "black", size="small", finish="glossy", pattern="dotted"),
            "a small glossy dotted gold ring on a black background",
        ),
        (
            Icon("moon", "white", "blue", outline="red", finish="shadow", size="large"),
            "a large white moon with a red outline and a shadow on a blue background",
        ),
        (
            Icon("star", "yellow", "teal", partner=("orange", "arrow")),
            "a yellow star and an orange arrow on a teal background",
        ),
    ],
)  # fmt: skip
def test_captions_say_what_a_buyer_would(icon, words):
    assert caption(icon) == words


@given(seeds)
def test_every_icon_can_be_seen(seed):
    icon = draw_icon(random.Random(seed))
    assert icon.ground in GROUNDS
    assert stands_out(icon.color, icon.ground)
    if icon.outline:
        assert stands_out(icon.outline, icon.color)
        assert stands_out(icon.outline, icon.ground)
    if icon.partner:
        color, shape = icon.partner
        assert icon.is_single is False
        assert stands_out(color, icon.ground)
        assert stands_out(color, icon.color)
        assert shape != icon.shape
    if not icon.is_single:
        assert icon.size == "medium"


def test_the_same_number_of_the_same_series_is_the_same_icon():
    assert [icon_at(3, index)[0] for index in range(50)] == [icon_at(3, index)[0] for index in range(50)]
    assert [icon_at(3, index)[0] for index in range(50)] != [icon_at(4, index)[0] for index in range(50)]


def test_the_mix_has_counts_and_pairs():
    icons = [icon_at(1, index)[0] for index in range(2_000)]
    parts = {
        "single": sum(icon.is_single for icon in icons),
        "counted": sum(icon.count > 1 for icon in icons),
        "paired": sum(icon.partner is not None for icon in icons),
    }
    assert sum(parts.values()) == 2_000
    assert 1_200 < parts["single"] < 1_330
    assert 430 < parts["counted"] < 560
    assert 180 < parts["paired"] < 300


def test_each_shape_has_an_outline_and_each_outline_a_shape():
    assert set(OUTLINES_OF) == set(SHAPES)
    assert set(OUTLINES) <= set(CLASSES["outline"])


def test_labels_are_the_numbers_of_the_attributes():
    icon = Icon("star", "yellow", "teal", partner=("orange", "arrow"))
    names = [CLASSES[name][number] for name, number in zip(CLASSES, labels([icon])[0].tolist(), strict=True)]
    assert names == list(attributes(icon).values())
    assert names == ["star", "yellow", "teal", "solid", "flat", "none", "pair", "arrow", "orange"]


@given(seeds, st.sampled_from(KINDS))
def test_an_altered_icon_has_another_caption(seed, kind):
    rng = random.Random(seed)
    icon = draw_icon(rng)
    assert caption(altered(icon, kind, rng)) != caption(icon)


@given(seeds, st.sampled_from([kind for kind in KINDS if kind != "count"]))
def test_only_the_named_attribute_is_altered(seed, kind):
    rng = random.Random(seed)
    icon = draw_icon(rng)
    wrong = altered(icon, kind, rng)
    assert dataclasses.replace(wrong, **{kind: getattr(icon, kind)}) == icon
