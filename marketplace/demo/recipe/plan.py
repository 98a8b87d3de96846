"""The training plan: the models, their order, durations and dependencies."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from diffusers import AutoencoderTiny, UNet2DConditionModel
from transformers import CLIPTextModel

from marketplace.demo.recipe import autoencoder, checker, denoiser, folders, matte, scorer, upscaler
from marketplace.demo.recipe.context import PartMissing, TrainingContext
from marketplace.demo.recipe.loop import Budget, Report
from marketplace.demo.recipe.pictures import Pictures
from marketplace.demo.recipe.quiet import silence_libraries

HERO = denoiser.DenoiserSize((48, 96, 128))
WORKHORSE = denoiser.DenoiserSize((32, 48, 80))
_SAMPLE = 500  # pictures to measure the spread of latents on
HERO_CHANNELS, CUTOUT_CHANNELS = 8, 4
_FRESH, _CONTINUED = 1e-3, 6e-4  # learning rates of a denoiser from scratch and from trained weights

T = TypeVar("T")


@dataclass(frozen=True)
class Training:
    """One training of the plan.

    Attributes:
        minutes: default duration on one processor core.
        needs: the trainings that must be done before.
    """

    minutes: float
    needs: tuple[str, ...]
    run: Callable[[TrainingContext, Budget, Path], None]


def train_autoencoder(context: TrainingContext, budget: Budget, into: Path) -> None:
    """Train the autoencoder with eight latent channels."""
    model = _trained_or_new(lambda: context.autoencoder(), lambda: autoencoder.new_autoencoder(HERO_CHANNELS))
    context.train("autoencoder", autoencoder.AutoencoderObjective(model, [context.flat], context.device), budget)
    _save_autoencoder(context, "autoencoder", model, context.flat)


def train_decoder(context: TrainingContext, budget: Budget, into: Path) -> None:
    """Train only the decoder, so that denoisers of the same latents stay valid."""
    model = context.autoencoder()
    latents = context.latents("autoencoder", context.flat)
    context.train("decoder", autoencoder.DecoderObjective(model, [context.flat], [latents], context.device), budget)
    context.save_part("autoencoder", model.save_pretrained)


def train_hero(context: TrainingContext, budget: Budget, into: Path) -> None:
    """Train the hero's denoiser and text encoder."""
    text_encoder = _trained_or_new(
        lambda: context.text_encoder("hero"), lambda: denoiser.new_text_encoder(context.tokenizer)
    )
    model, continued = _load_trained(lambda: context.denoiser("hero"))
    model = model or denoiser.new_denoiser(HERO)
    _train_denoiser(context, "hero", budget, into, "autoencoder", context.flat, text_encoder, model, continued)


def train_workhorse(context: TrainingContext, budget: Budget, into: Path) -> None:
    """Train a narrow denoiser, initialised with a part of the hero's channels and the hero's text encoder."""
    text_encoder = _trained_or_new(lambda: context.text_encoder("workhorse"), lambda: context.text_encoder("hero"))
    model, continued = _load_trained(lambda: context.denoiser("workhorse"))
    model = model or denoiser.pruned(context.denoiser("hero"), WORKHORSE)
    _train_denoiser(context, "workhorse", budget, into, "autoencoder", context.flat, text_encoder, model, continued)


def train_cutout_autoencoder(context: TrainingContext, budget: Budget, into: Path) -> None:
    """Project the eight latent channels to four, then train on in both styles."""
    basis = autoencoder.main_directions(context.latents("autoencoder", context.flat), CUTOUT_CHANNELS)
    model = autoencoder.with_projected_latents(context.autoencoder(), basis)
    objective = autoencoder.AutoencoderObjective(model, [context.flat, context.paper], context.device)
    context.train("cutout-autoencoder", objective, budget)
    _save_autoencoder(context, "cutout-autoencoder", model, context.paper)


def train_cutout(context: TrainingContext, budget: Budget, into: Path) -> None:
    """Train the hero on another style with fewer latent channels."""

    def from_hero() -> UNet2DConditionModel:
        basis = autoencoder.main_directions(context.latents("autoencoder", context.flat), CUTOUT_CHANNELS)
        return denoiser.with_projected_latents(context.denoiser("hero"), basis)

    text_encoder = _trained_or_new(lambda: context.text_encoder("cutout"), lambda: context.text_encoder("hero"))
    model = _trained_or_new(lambda: context.denoiser("cutout"), from_hero)
    _train_denoiser(context, "cutout", budget, into, "cutout-autoencoder", context.paper, text_encoder, model, True)


def train_checker(context: TrainingContext, budget: Budget, into: Path) -> None:
    """Train the classifier that measures accuracies."""
    model = checker.Checker()
    context.train("checker", checker.CheckerObjective(model, [context.flat, context.paper], context.device), budget)
    checker.save_checker(model, into / "checker" / "model.safetensors")


def train_matte(context: TrainingContext, budget: Budget, into: Path) -> None:
    """Train background removal."""
    model = _trained_or_new(lambda: context.matte(), matte.new_matte)
    context.train("matte", matte.MatteObjective(model, [context.flat, context.paper], context.device), budget)
    context.save_part("matte", model.save_pretrained)
    folders.save_model(into / "matte", model)


def train_upscaler(context: TrainingContext, budget: Budget, into: Path) -> None:
    """Train the upscaler."""
    model = _trained_or_new(lambda: context.upscaler(), upscaler.new_upscaler)
    context.train("upscaler", upscaler.UpscalerObjective(model, context.large, context.device), budget)
    context.save_part("upscaler", model.save_pretrained)
    folders.save_model(into / "upscaler", model, upscaler.new_processor())


def train_scorer(context: TrainingContext, budget: Budget, into: Path) -> None:
    """Train the scorer."""
    model = _trained_or_new(lambda: context.scorer(), lambda: scorer.new_scorer(context.tokenizer))
    objective = scorer.ScorerObjective(model, context.tokenizer, [context.flat, context.paper], context.device)
    context.train("scorer", objective, budget)
    context.save_part("scorer", model.save_pretrained)
    folders.save_model(into / "scorer", model, context.tokenizer, scorer.new_processor())


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
    """Train the named models, after their missing dependencies; all models if none is named.

    Args:
        work: the folder for drawings, checkpoints and parts; with the same folder, training goes on.
        into: the folder for the results.
        donor: published folders to start from.
        minutes, steps: for each named model, instead of the plan's minutes.
        fresh: delete the parts and checkpoints of the named models first.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    silence_libraries()
    context = TrainingContext(work, seed, torch.device(device), pictures, report, donor)
    named = list(names) or list(PLAN)
    if fresh:
        for name in named:
            context.delete_part(name)
    own = Budget(minutes=minutes, steps=steps) if minutes or steps else None
    for name in _with_needs(context, named):
        training = PLAN[name]
        training.run(context, own if own and name in named else Budget(minutes=training.minutes), into)
        report(f"{name}  done")


def _with_needs(context: TrainingContext, named: Sequence[str]) -> list[str]:
    wanted = set(named)
    for name in reversed(PLAN):
        if name in wanted:
            wanted |= {need for need in PLAN[name].needs if not context.has(need)}
    return [name for name in PLAN if name in wanted]


def _train_denoiser(
    context: TrainingContext,
    name: str,
    budget: Budget,
    into: Path,
    autoencoder_name: str,
    pictures: Pictures,
    text_encoder: CLIPTextModel,
    model: UNet2DConditionModel,
    continued: bool,
) -> None:
    coder = context.autoencoder(autoencoder_name)
    latents = context.latents(autoencoder_name, pictures) * coder.config.scaling_factor
    objective = denoiser.FlowObjective(
        text_encoder,
        model,
        context.tokenizer,
        context.captions(pictures),
        latents,
        context.device,
        rate=_CONTINUED if continued else _FRESH,
        steady=0.3 if continued else 0.5,
    )
    context.train(name, objective, budget)

    def save(draft: Path) -> None:
        text_encoder.save_pretrained(draft / "text_encoder")
        model.save_pretrained(draft / "unet")

    context.save_part(name, save)
    folders.save_pipeline(
        into / name, autoencoder=coder, text_encoder=text_encoder, tokenizer=context.tokenizer, denoiser=model
    )


def _save_autoencoder(context: TrainingContext, name: str, model: AutoencoderTiny, pictures: Pictures) -> None:
    """Save the autoencoder with the factor that scales its latents to unit variance."""
    sample = autoencoder.encode_all(model, pictures.first(_SAMPLE), context.device).float()
    model.register_to_config(scaling_factor=float(1 / sample.std()))
    context.save_part(name, model.save_pretrained)


def _trained_or_new(trained: Callable[[], T], new: Callable[[], T]) -> T:
    """The model trained before, or a new one."""
    model, _ = _load_trained(trained)
    return new() if model is None else model


def _load_trained(trained: Callable[[], T]) -> tuple[T | None, bool]:
    try:
        return trained(), True
    except PartMissing:
        return None, False
