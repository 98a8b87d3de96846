"""Measures the figures of the cards, on captions and drawings that are not in the training data."""

import dataclasses
import itertools
import json
import math
import random
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import StableDiffusionImg2ImgPipeline, UNet2DModel
from PIL import Image
from transformers import CLIPModel, CLIPTokenizer, Swin2SRForImageSuperResolution

from marketplace.demo.recipe.cards import write_cards
from marketplace.demo.recipe.checker import Checker, load_checker, verdicts
from marketplace.demo.recipe.domain import COLORS, GROUNDS, Icon, caption, icon_at, stands_out
from marketplace.demo.recipe.folders import load_pipeline
from marketplace.demo.recipe.loop import Report
from marketplace.demo.recipe.matte import cut_out, matte_quality
from marketplace.demo.recipe.pictures import fresh_pictures
from marketplace.demo.recipe.quiet import silence_libraries
from marketplace.demo.recipe.render import NATIVE, Pixels, render_flat
from marketplace.demo.recipe.scorer import scorer_quality, similarities
from marketplace.demo.recipe.upscaler import SCALE, upscaler_quality

Figures = dict[str, Any]
Settings = tuple[int, float]  # steps, guidance

CHECKER = Path("checker") / "model.safetensors"
SEED = 987_654  # of captions and drawings that are used for measuring only
STYLES = {"hero": "flat", "workhorse": "flat", "cutout": "paper"}
SETTINGS: dict[str, Settings] = {"hero": (12, 2.5), "workhorse": (4, 1.0), "cutout": (12, 2.5)}
STRENGTHS = (0.6, 0.8, 0.95)  # of image-to-image; the middle one is the default
_REDRAW_STEPS = 20
_CORE_ATTRIBUTES = ("shape", "color", "ground")
_PAIR = (*_CORE_ATTRIBUTES, "partner_shape", "partner_color", "count")
_BATCH_SIZE = 20
_TIMED_CALLS = 7


def share(hits: torch.Tensor) -> Figures:
    """The share of true values in percent, with half the width of its 95% Wilson score interval."""
    count = len(hits)
    if not count:
        return {"percent": None, "within": None, "count": 0}
    part, z = hits.float().mean().item(), 1.96
    half = z / (1 + z**2 / count) * math.sqrt(part * (1 - part) / count + z**2 / (4 * count**2))
    return {"percent": round(100 * part, 1), "within": round(100 * half, 1), "count": count}


def accuracy(checker: Checker, rgb: Pixels, icons: Sequence[Icon], device: torch.device) -> Figures:
    """How often the pictures show what their captions say, in total and by kind."""
    right = verdicts(checker, rgb, icons, device)
    core = torch.stack([right[name] for name in _CORE_ATTRIBUTES]).all(0)
    several = core & right["count"]
    pair = torch.stack([right[name] for name in _PAIR]).all(0)
    everything = torch.stack(list(right.values())).all(0)
    single = torch.tensor([icon.is_single for icon in icons])
    counted = torch.tensor([icon.count > 1 for icon in icons])
    paired = torch.tensor([icon.partner is not None for icon in icons])
    return {
        "good": share(torch.where(paired, pair, torch.where(counted, several, core))),
        "everything": share(everything),
        "single": share(core[single]),
        "counted": share(several[counted]),
        "paired": share(pair[paired]),
        "attributes": {name: share(each)["percent"] for name, each in right.items()},
    }


def measure_pictures(name: str) -> Callable[[Path, int, torch.device, Report], Figures]:
    """Accuracy and seconds of a text-to-image folder at its card's default settings."""
    style, settings = STYLES[name], SETTINGS[name]

    def measure(weights: Path, count: int, device: torch.device, report: Report) -> Figures:
        pipeline = load_pipeline(weights / name, device)
        checker = load_checker(weights / CHECKER)
        real = fresh_pictures(style, SEED, count)
        icons = real.icons()
        captions = [caption(icon) for icon in icons]
        rgb = draw_all(pipeline, captions, settings, report)
        return {
            "style": style,
            "steps": settings[0],
            "guidance": settings[1],
            "accuracy": accuracy(checker, rgb, icons, device),
            "ceiling": accuracy(checker, real.rgb, icons, device)["good"],
            "seconds": seconds(lambda: draw_all(pipeline, captions[:1], settings), device),
        } | _facts(weights / name, device, pipeline.unet, pipeline.text_encoder, pipeline.vae)

    return measure


def draw_all(pipeline: Any, captions: Sequence[str], settings: Settings, report: Report | None = None) -> Pixels:
    """Pictures of a text-to-image pipeline, from a fixed seed, of shape (n, 128, 128, 3)."""
    steps, guidance = settings
    generator = torch.Generator().manual_seed(SEED)
    drawn: list[Pixels] = []
    for start in range(0, len(captions), _BATCH_SIZE):
        made = pipeline(
            list(captions[start : start + _BATCH_SIZE]),
            num_inference_steps=steps,
            guidance_scale=guidance,
            generator=generator,
            output_type="np",
        )
        drawn.append((made.images * 255).round().astype(np.uint8))
        if report and start % (5 * _BATCH_SIZE) == 0:
            report(f"drew {min(start + _BATCH_SIZE, len(captions))} of {len(captions)} pictures")
    return np.concatenate(drawn)


def measure_image_to_image(folder: Path, count: int, device: torch.device) -> Figures:
    """Accuracy of redrawing single icons after captions with another colour and ground."""
    parts = load_pipeline(folder, device).components
    pipeline: Any = StableDiffusionImg2ImgPipeline(**parts, requires_safety_checker=False)
    pipeline.set_progress_bar_config(disable=True)
    checker = load_checker(folder.parent / CHECKER)
    before, after = redrawings(count)
    pictures, wanted = (
        np.stack([render_flat(icon, NATIVE, random.Random(number)).rgb for number, icon in enumerate(icons)])
        for icons in (before, after)
    )
    captions = [caption(icon) for icon in after]
    guidance = SETTINGS["hero"][1]

    def redraw(first: int, last: int, strength: float) -> Pixels:
        made = pipeline(
            captions[first:last],
            image=[Image.fromarray(rgb) for rgb in pictures[first:last]],
            strength=strength,
            num_inference_steps=_REDRAW_STEPS,
            guidance_scale=guidance,
            generator=torch.Generator().manual_seed(SEED),
            output_type="np",
        )
        return np.asarray((made.images * 255).round(), np.uint8)

    by_strength = {}
    for strength in STRENGTHS:
        made = [redraw(start, start + _BATCH_SIZE, strength) for start in range(0, count, _BATCH_SIZE)]
        by_strength[str(strength)] = accuracy(checker, np.concatenate(made), after, device)["good"]
    return {
        "by_strength": by_strength,
        "strength": STRENGTHS[1],
        "steps": _REDRAW_STEPS,
        "guidance": guidance,
        "count": count,
        "ceiling": accuracy(checker, wanted, after, device)["good"],
        "seconds": seconds(lambda: redraw(0, 1, STRENGTHS[1]), device),
        "threads": torch.get_num_threads(),
        "device": device.type,
    }


def redrawings(count: int) -> tuple[list[Icon], list[Icon]]:
    """Single icons, and the same icons in another colour on another ground."""
    singles = (icon for index in itertools.count() if (icon := icon_at(SEED + 2, index)[0]).is_single)
    before = list(itertools.islice(singles, count))
    rng = random.Random(SEED)
    after = []
    for icon in before:
        ground = rng.choice([each for each in GROUNDS if each != icon.ground])
        color = rng.choice([each for each in COLORS if each != icon.color and stands_out(each, ground)])
        after.append(dataclasses.replace(icon, color=color, ground=ground, outline=None))
    return before, after


def measure_matte(folder: Path, count: int, device: torch.device) -> Figures:
    """Overlap, error and seconds of the matting model, by style."""
    model: Any = UNet2DModel.from_pretrained(folder, dtype=torch.float32)
    sets = {style: fresh_pictures(style, SEED, count) for style in ("flat", "paper")}
    one = sets["flat"].rgb[:1]
    return {
        "quality": {style: dataclasses.asdict(matte_quality(model, each, device)) for style, each in sets.items()},
        "count": count,
        "seconds": seconds(lambda: cut_out(model, one, device), device),
    } | _facts(folder, device, model)


def measure_upscaler(folder: Path, count: int, device: torch.device) -> Figures:
    """Signal-to-noise ratio and seconds of the upscaler, by style."""
    model: Any = Swin2SRForImageSuperResolution.from_pretrained(folder, dtype=torch.float32).eval().to(device)
    sets = {style: fresh_pictures(style, SEED, count, SCALE * NATIVE) for style in ("flat", "paper")}
    one = torch.rand(1, 3, NATIVE, NATIVE, device=device)

    @torch.no_grad()
    def once() -> object:
        return model(pixel_values=one)

    return {
        "quality": {style: dataclasses.asdict(upscaler_quality(model, each, device)) for style, each in sets.items()},
        "count": count,
        "seconds": seconds(once, device),
    } | _facts(folder, device, model)


def measure_scorer(folder: Path, count: int, device: torch.device) -> Figures:
    """Quality and seconds of the scorer, by style."""
    model: Any = CLIPModel.from_pretrained(folder, dtype=torch.float32)
    tokenizer = CLIPTokenizer.from_pretrained(folder)
    sets = {style: fresh_pictures(style, SEED, count) for style in ("flat", "paper")}
    one, text = sets["flat"].rgb[:1], [caption(sets["flat"].icon(0))]
    return {
        "quality": {
            style: dataclasses.asdict(scorer_quality(model, tokenizer, each, device)) for style, each in sets.items()
        },
        "count": count,
        "seconds": seconds(lambda: similarities(model, tokenizer, one, text, device), device),
    } | _facts(folder, device, model)


def measure_checker(file: Path, count: int, device: torch.device) -> Figures:
    """The checker's accuracy on drawn pictures: the upper bound of every accuracy measured with it."""
    checker = load_checker(file)
    sets = {style: fresh_pictures(style, SEED + 1, count) for style in ("flat", "paper")}
    return {style: accuracy(checker, each.rgb, each.icons(), device) for style, each in sets.items()}


MEASURES: dict[str, Callable[[Path, int, torch.device, Report], Figures]] = {
    "hero": measure_pictures("hero"),
    "workhorse": measure_pictures("workhorse"),
    "cutout": measure_pictures("cutout"),
    "image-to-image": lambda weights, count, device, _: measure_image_to_image(weights / "hero", count // 4, device),
    "matte": lambda weights, count, device, _: measure_matte(weights / "matte", count, device),
    "upscaler": lambda weights, count, device, _: measure_upscaler(weights / "upscaler", count // 10, device),
    "scorer": lambda weights, count, device, _: measure_scorer(weights / "scorer", count, device),
    "checker": lambda weights, count, device, _: measure_checker(weights / CHECKER, count, device),
}


def measure_all(
    weights: Path,
    names: Sequence[str],
    *,
    captions: int,
    device: str,
    threads: int,
    cards: bool,
    report: Report,
) -> dict[str, Figures]:
    """Measure the named folders, or all; the figures in `measured.json` beside them are updated.

    Args:
        captions: captions, or drawings, for each model; slow ones take fewer.
        cards: also write the cards, from all figures in the file.
    """
    torch.set_num_threads(threads)
    silence_libraries()
    file = weights / "measured.json"
    for name in names or MEASURES:
        report(f"measuring {name}")
        found = MEASURES[name](weights, captions, torch.device(device), report)
        report(json.dumps(found, indent=1))
        # Read again, since another process may have written in the meantime.
        figures = _figures(file) | {name: found}
        draft = file.with_suffix(".draft")
        draft.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")
        draft.replace(file)
    if cards:
        write_cards(weights, _figures(file))
    return _figures(file)


def seconds(call: Callable[[], object], device: torch.device) -> float:
    """The median seconds of several calls after one to warm up.

    On a CPU process time is counted, which other load on the machine hardly changes; elsewhere wall-clock time.
    """
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    call()
    times = []
    for _ in range(_TIMED_CALLS):
        start = clock()
        call()
        times.append(clock() - start)
    return round(statistics.median(times), 4)


def _figures(file: Path) -> dict[str, Figures]:
    figures: dict[str, Figures] = json.loads(file.read_text()) if file.exists() else {}
    return figures


def _facts(folder: Path, device: torch.device, *models: torch.nn.Module) -> Figures:
    return {
        "parameters": sum(each.numel() for model in models for each in model.parameters()),
        "threads": torch.get_num_threads(),
        "device": device.type,
        "bytes": sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()),
    }
