"""What is trained, in which order, for how long, and from what."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from diffusers import AutoencoderTiny, UNet2DConditionModel
from transformers import CLIPTextModel

from marketplace.demo.recipe import autoencoder, checker, denoiser, folders, matte, scorer, upscaler
from marketplace.demo.recipe.loop import Budget, Report
from marketplace.demo.recipe.pictures import Pictures
from marketplace.demo.recipe.quiet import quieten
from marketplace.demo.recipe.workshop import PartMissing, Workshop

HERO = denoiser.DenoiserSize((48, 96, 128))
WORKHORSE = denoiser.DenoiserSize((32, 48, 80))
_SAMPLE = 500  # pictures to measure the spread of latents on
HERO_CHANNELS, CUTOUT_CHANNELS = 8, 4
_FRESH, _CONTINUED = 1e-3, 6e-4  # rates of a denoiser begun from nothing and from trained weights

T = TypeVar("T")


@dataclass(frozen=True)
class Training:
    """One thing to train.

    Attributes:
        minutes: of one processor core, where the caller names no other time.
        needs: what must be trained before.
    """

    minutes: float
    needs: tuple[str, ...]
    run: Callable[[Workshop, Budget, Path], None]


def train_autoencoder(shop: Workshop, budget: Budget, into: Path) -> None:
    model = _begun(lambda: shop.autoencoder(), lambda: autoencoder.new_autoencoder(HERO_CHANNELS))
    shop.train("autoencoder", autoencoder.AutoencoderLesson(model, [shop.flat], shop.device), budget)
    _keep_autoencoder(shop, "autoencoder", model, shop.flat)


def train_decoder(shop: Workshop, budget: Budget, into: Path) -> None:
    """Only the decoder, so that denoisers of the same latents stay valid."""
    model = shop.autoencoder()
    latents = shop.latents("autoencoder", shop.flat)
    shop.train("decoder", autoencoder.DecoderLesson(model, [shop.flat], [latents], shop.device), budget)
    shop.keep("autoencoder", model.save_pretrained)


def train_hero(shop: Workshop, budget: Budget, into: Path) -> None:
    text_encoder = _begun(lambda: shop.text_encoder("hero"), lambda: denoiser.new_text_encoder(shop.tokenizer))
    model, begun = _maybe(lambda: shop.denoiser("hero"))
    model = model or denoiser.new_denoiser(HERO)
    _train_denoiser(shop, "hero", budget, into, "autoencoder", shop.flat, text_encoder, model, begun)


def train_workhorse(shop: Workshop, budget: Budget, into: Path) -> None:
    """A narrow denoiser, begun from a part of the hero's channels, with the words that the hero has learned."""
    text_encoder = _begun(lambda: shop.text_encoder("workhorse"), lambda: shop.text_encoder("hero"))
    model, begun = _maybe(lambda: shop.denoiser("workhorse"))
    model = model or denoiser.thinned(shop.denoiser("hero"), WORKHORSE)
    _train_denoiser(shop, "workhorse", budget, into, "autoencoder", shop.flat, text_encoder, model, begun)


def train_cutout_autoencoder(shop: Workshop, budget: Budget, into: Path) -> None:
    """Four latent channels: the four main directions of the eight, then trained on in both styles."""
    basis = autoencoder.main_directions(shop.latents("autoencoder", shop.flat), CUTOUT_CHANNELS)
    model = autoencoder.narrowed(shop.autoencoder(), basis)
    lesson = autoencoder.AutoencoderLesson(model, [shop.flat, shop.paper], shop.device)
    shop.train("cutout-autoencoder", lesson, budget)
    _keep_autoencoder(shop, "cutout-autoencoder", model, shop.paper)


def train_cutout(shop: Workshop, budget: Budget, into: Path) -> None:
    """The hero taught another style in fewer latent channels."""

    def from_hero() -> UNet2DConditionModel:
        basis = autoencoder.main_directions(shop.latents("autoencoder", shop.flat), CUTOUT_CHANNELS)
        return denoiser.narrowed(shop.denoiser("hero"), basis)

    text_encoder = _begun(lambda: shop.text_encoder("cutout"), lambda: shop.text_encoder("hero"))
    model = _begun(lambda: shop.denoiser("cutout"), from_hero)
    _train_denoiser(shop, "cutout", budget, into, "cutout-autoencoder", shop.paper, text_encoder, model, True)


def train_checker(shop: Workshop, budget: Budget, into: Path) -> None:
    model = checker.Checker()
    shop.train("checker", checker.CheckerLesson(model, [shop.flat, shop.paper], shop.device), budget)
    checker.save_checker(model, into / "checker" / "model.safetensors")


def train_matte(shop: Workshop, budget: Budget, into: Path) -> None:
    model = _begun(lambda: shop.matte(), matte.new_matte)
    shop.train("matte", matte.MatteLesson(model, [shop.flat, shop.paper], shop.device), budget)
    shop.keep("matte", model.save_pretrained)
    folders.save_model(into / "matte", model)


def train_upscaler(shop: Workshop, budget: Budget, into: Path) -> None:
    model = _begun(lambda: shop.upscaler(), upscaler.new_upscaler)
    shop.train("upscaler", upscaler.UpscalerLesson(model, shop.large, shop.device), budget)
    shop.keep("upscaler", model.save_pretrained)
    folders.save_model(into / "upscaler", model, upscaler.new_processor())


def train_scorer(shop: Workshop, budget: Budget, into: Path) -> None:
    model = _begun(lambda: shop.scorer(), lambda: scorer.new_scorer(shop.tokenizer))
    lesson = scorer.ScorerLesson(model, shop.tokenizer, [shop.flat, shop.paper], shop.device)
    shop.train("scorer", lesson, budget)
    shop.keep("scorer", model.save_pretrained)
    folders.save_model(into / "scorer", model, shop.tokenizer, scorer.new_processor())


PLAN: dict[str, Training] = {
    "autoencoder": Training(10, (), train_autoencoder),
    "decoder": Training(30, ("autoencoder",), train_decoder),
    "hero": Training(110, ("autoencoder",), train_hero),
    "workhorse": Training(25, ("autoencoder", "hero"), train_workhorse),
    "cutout-autoencoder": Training(10, ("autoencoder",), train_cutout_autoencoder),
    "cutout": Training(30, ("autoencoder", "hero", "cutout-autoencoder"), train_cutout),
    "checker": Training(6, (), train_checker),
    "matte": Training(4, (), train_matte),
    "upscaler": Training(6, (), train_upscaler),
    "scorer": Training(25, (), train_scorer),
}


def train_all(
    names: Sequence[str],
    *,
    work: Path,
    into: Path,
    device: str,
    threads: int,
    seed: int,
    pictures: int,
    donor: Path | None = None,
    minutes: float | None = None,
    steps: int | None = None,
    fresh: bool = False,
    report: Report,
) -> None:
    """Train what is named, and before it what it is made from and is not there yet; everything where nothing is named.

    Args:
        work: for drawings, checkpoints and parts; where it is the same again, training goes on.
        into: where the folders to publish are put.
        donor: published folders to start from.
        minutes, steps: for each of the named ones, instead of the plan's minutes.
        fresh: forget first what the named ones were trained to so far.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    quieten()
    shop = Workshop(work, seed, torch.device(device), pictures, report, donor)
    named = list(names) or list(PLAN)
    if fresh:
        for name in named:
            shop.forget(name)
    own = Budget(minutes=minutes, steps=steps) if minutes or steps else None
    for name in _with_needs(shop, named):
        training = PLAN[name]
        training.run(shop, own if own and name in named else Budget(minutes=training.minutes), into)
        report(f"{name}  done")


def _with_needs(shop: Workshop, named: Sequence[str]) -> list[str]:
    wanted = set(named)
    for name in reversed(PLAN):
        if name in wanted:
            wanted |= {need for need in PLAN[name].needs if not shop.has(need)}
    return [name for name in PLAN if name in wanted]


def _train_denoiser(
    shop: Workshop,
    name: str,
    budget: Budget,
    into: Path,
    autoencoder_name: str,
    pictures: Pictures,
    text_encoder: CLIPTextModel,
    model: UNet2DConditionModel,
    begun: bool,
) -> None:
    coder = shop.autoencoder(autoencoder_name)
    latents = shop.latents(autoencoder_name, pictures) * coder.config.scaling_factor
    lesson = denoiser.FlowLesson(
        text_encoder,
        model,
        shop.tokenizer,
        shop.captions(pictures),
        latents,
        shop.device,
        rate=_CONTINUED if begun else _FRESH,
        steady=0.3 if begun else 0.5,
    )
    shop.train(name, lesson, budget)

    def save(draft: Path) -> None:
        text_encoder.save_pretrained(draft / "text_encoder")
        model.save_pretrained(draft / "unet")

    shop.keep(name, save)
    folders.save_pipeline(
        into / name, autoencoder=coder, text_encoder=text_encoder, tokenizer=shop.tokenizer, denoiser=model
    )


def _keep_autoencoder(shop: Workshop, name: str, model: AutoencoderTiny, pictures: Pictures) -> None:
    """With the factor that brings its latents to unit spread."""
    sample = autoencoder.encode_all(model, pictures.first(_SAMPLE), shop.device).float()
    model.register_to_config(scaling_factor=float(1 / sample.std()))
    shop.keep(name, model.save_pretrained)


def _begun(trained: Callable[[], T], new: Callable[[], T]) -> T:
    """What was trained before, or a new one."""
    model, _ = _maybe(trained)
    return new() if model is None else model


def _maybe(trained: Callable[[], T]) -> tuple[T | None, bool]:
    try:
        return trained(), True
    except PartMissing:
        return None, False
