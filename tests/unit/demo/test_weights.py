"""The weights that come with the market."""

import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionInpaintPipeline
from PIL import Image

from marketplace.demo.folders import folder_of
from marketplace.demo.market import MODELS, TOOLS
from marketplace.demo.recipe.checker import load_checker
from marketplace.demo.recipe.domain import Icon, caption, icon_at
from marketplace.demo.recipe.folders import load_pipeline
from marketplace.demo.recipe.measure import CHECKER, SETTINGS, accuracy, draw_all
from marketplace.demo.recipe.render import render_paper
from providers.services.publish import check_folder

ROOT = Path(__file__).parents[3]


def test_weights_stay_small(weights):
    assert sum(file.stat().st_size for file in weights.rglob("*") if file.is_file()) <= 40_000_000


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_folder_may_be_published_and_its_card_recommends_what_was_measured(model):
    with folder_of(model) as folder:
        checked = check_folder(folder)
    assert checked.card.license == "apache-2.0"
    steps, guidance = SETTINGS[model.folder]
    properties = checked.input_schema["properties"]
    assert properties["num_inference_steps"]["default"] == steps
    assert properties["guidance_scale"]["default"] == guidance
    assert properties["width"]["default"] == 128


def test_weights_may_be_sold_under_another_class_without_a_second_copy():
    redraw = TOOLS[0]
    with folder_of(redraw) as folder:
        index = json.loads((folder / "model_index.json").read_text())
        assert index["_class_name"] == redraw.pipeline_class == "StableDiffusionImg2ImgPipeline"
        assert "strength" in (folder / "README.md").read_text()
    assert not folder.exists()


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("icon-redraw", "image-to-image"),
        ("icon-matte", "matting"),
        ("icon-upscaler", "super-resolution"),
        ("icon-scorer", "scoring"),
    ],
)
def test_the_other_folders_may_be_published_too_and_are_stored_in_half_precision(name, task):
    model = next(each for each in TOOLS if each.name == name)
    with folder_of(model) as folder:
        assert check_folder(folder).task.name == task
        for file in folder.rglob("*.safetensors"):
            size = int.from_bytes(file.read_bytes()[:8], "little")
            header = json.loads(file.read_bytes()[8 : 8 + size])
            assert {entry["dtype"] for name, entry in header.items() if name != "__metadata__"} <= {"F16", "I64"}


def test_the_hero_draws_what_captions_say(weights, device):
    icons = [icon_at(77, index)[0] for index in range(40)]
    singles = [icon for icon in icons if icon.is_single][:12]
    rgb = draw_all(load_pipeline(weights / "hero", device), [caption(icon) for icon in singles], (6, 2.5))
    verdict = accuracy(load_checker(weights / CHECKER), rgb, singles, torch.device("cpu"))
    assert verdict["good"]["percent"] >= 75


def test_the_stock_inpainting_pipeline_changes_what_the_mask_covers_and_keeps_the_rest(weights, device):
    parts = load_pipeline(weights / "cutout", device).components
    pipeline = StableDiffusionInpaintPipeline(**parts, requires_safety_checker=False)
    pipeline.set_progress_bar_config(disable=True)
    pair = Icon("ring", "blue", "teal", partner=("red", "heart"))
    before = render_paper(pair, 128, random.Random(1)).rgb
    mask = np.zeros((128, 128), np.uint8)
    mask[:, 64:] = 255
    after = pipeline(
        "a blue ring and a yellow star on a teal background",
        image=Image.fromarray(before),
        mask_image=Image.fromarray(mask),
        num_inference_steps=8,
        guidance_scale=2.5,
        height=128,
        width=128,
        generator=torch.Generator().manual_seed(2),
    ).images[0]
    change = np.abs(np.asarray(after).astype(int) - before).mean(-1)
    assert change[:, :56].mean() < 8
    assert change[:, 72:].mean() > 16


def test_the_market_runs_without_the_recipe():
    code = (
        "import os, sys, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'marketplace.settings'; django.setup();"
        "import marketplace.demo.management.commands.demo, marketplace.urls;"
        "loaded = [name for name in sys.modules if name.startswith('marketplace.demo.recipe') or name == 'torch'];"
        "assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=60)
