"""What a call delivers at most, as each task counts it before anything runs."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.pricing.domain import Unit
from providers.services.publish import check_folder
from providers.tasks.image_to_image import ImageToImage
from providers.tasks.matting import Matting
from providers.tasks.scoring import Scoring
from providers.tasks.super_resolution import MAX_FACTOR, MAX_RESULT_SIDE, SuperResolution, factor_of
from providers.tasks.text_to_image import TextToImage
from tests.unit.providers.test_single_folder import SWIN, make

DRAWN = {"num_outputs": 2, "width": 512, "height": 256, "num_inference_steps": 20}
PICTURE = {"width": 70, "height": 75}
TASKS = (TextToImage(), ImageToImage(), Matting(), SuperResolution(), Scoring())


def upscaler(factor: int) -> dict[str, Any]:
    return {"properties": {"image": {"x-max-side": MAX_RESULT_SIDE // factor}}}


def test_drawn_pictures_count_images_pixels_and_steps():
    assert TextToImage().quantities(DRAWN, {}) == {
        Unit.IMAGE: 2,
        Unit.REQUEST: 1,
        Unit.MEGAPIXEL: 2 * 512 * 256,
        Unit.MEGAPIXEL_STEP: 2 * 512 * 256 * 20,
    }


@pytest.mark.parametrize(("strength", "steps"), [(1, 20), (0.75, 15), (0.33, 6), (0.05, 1), (0.01, 1)])
def test_pictures_from_a_picture_have_its_size_in_whole_blocks_and_the_last_of_the_steps(strength: float, steps: int):
    inputs = {"num_outputs": 3, "num_inference_steps": 20, "strength": strength, "image": PICTURE}
    assert ImageToImage().quantities(inputs, {}) == {
        Unit.IMAGE: 3,
        Unit.REQUEST: 1,
        Unit.MEGAPIXEL: 3 * 64 * 72,
        Unit.MEGAPIXEL_STEP: 3 * 64 * 72 * steps,
    }


def test_a_cut_out_has_the_pixels_of_its_picture():
    expected = {Unit.IMAGE: 1, Unit.REQUEST: 1, Unit.MEGAPIXEL: 70 * 75}
    assert Matting().quantities({"image": PICTURE}, {}) == expected


@pytest.mark.parametrize("factor", range(2, MAX_FACTOR + 1))
def test_an_enlarged_picture_has_the_square_of_the_factor_as_many(factor: int):
    found = SuperResolution().quantities({"image": PICTURE}, upscaler(factor))
    assert found == {Unit.IMAGE: 1, Unit.REQUEST: 1, Unit.MEGAPIXEL: 70 * 75 * factor**2}


@pytest.mark.parametrize("factor", range(2, MAX_FACTOR + 1))
def test_a_version_tells_its_factor(tmp_path: Path, factor: int):
    folder = make(tmp_path, "super-resolution", {"config.json": SWIN | {"upscale": factor}})
    assert factor_of(check_folder(folder).input_schema) == factor


def test_a_score_is_one_image_whatever_the_picture():
    assert Scoring().quantities({}, {}) == {Unit.IMAGE: 1, Unit.REQUEST: 1}


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_without_a_picture_only_what_it_decides_is_left_out(task: Any):
    given_so_far = {**DRAWN, "strength": 0.75} if task.name == "text-to-image" else {"num_outputs": 2, "strength": 0.75}
    found = task.quantities({"num_inference_steps": 20} | given_so_far, upscaler(2))
    assert {Unit.IMAGE, Unit.REQUEST} <= set(found) <= set(task.units)
    assert found == task.quantities({"num_inference_steps": 20} | given_so_far | {"image": "/v1/files/x"}, upscaler(2))


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_a_model_is_sold_by_what_its_task_measures_before_it_runs_and_by_the_image_first(task: Any):
    inputs = DRAWN | {"strength": 0.75, "image": PICTURE}
    assert set(task.quantities(inputs, upscaler(2))) == set(task.units)
    assert task.units[0] is Unit.IMAGE
    assert Unit.DEVICE_SECOND not in task.units


@settings(database=None)
@given(
    width=st.integers(8, 2_048),
    height=st.integers(8, 2_048),
    steps=st.integers(1, 50),
    outputs=st.integers(1, 4),
    strength=st.floats(0.05, 1),
)
def test_whatever_is_asked_for_is_a_whole_number_of_parts(
    width: int, height: int, steps: int, outputs: int, strength: float
):
    inputs = {"width": width, "height": height, "num_inference_steps": steps, "num_outputs": outputs}
    inputs |= {"strength": strength, "image": {"width": width, "height": height}}
    for task in TASKS:
        found = task.quantities(inputs, upscaler(4))
        assert all(type(count) is int and count >= 1 for count in found.values())
