"""Training with settings so small that nothing is learned: reproducibility, checkpoints and dependencies."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from inference.runtime.adapters import TextToImage
from inference.runtime.device import open_device
from marketplace.demo.recipe.context import PartMissing, TrainingContext
from marketplace.demo.recipe.loop import Budget, StepRandom, train
from marketplace.demo.recipe.measure import measure_all
from marketplace.demo.recipe.plan import PLAN, train_all

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("training")]  # one training serves them all


class Line:
    """Learns a line through random points."""

    learning_rate, constant_part, weight_decay, ema_decay, batch = 0.1, 0.5, 0.0, 0.9, 8

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.module = nn.Linear(1, 1)

    def loss(self, step_random: StepRandom) -> torch.Tensor:
        points = step_random.normal(self.batch, 1)
        return (self.module(points) - 3 * points + 1).pow(2).mean()


def _trained(checkpoint: Path, *, steps: int, cuts: tuple[int, ...] = (), seed: int = 1) -> dict[str, torch.Tensor]:
    said: list[str] = []
    for until in (*cuts, None):
        objective = Line()
        train(
            objective,
            budget=Budget(steps=steps),
            seed=seed,
            device=torch.device("cpu"),
            checkpoint=checkpoint,
            report=said.append,
            until=until,
        )
    return objective.module.state_dict()


def test_it_learns(tmp_path):
    learned = _trained(tmp_path / "line.pt", steps=300)
    assert learned["weight"].item() == pytest.approx(3, abs=0.02)
    assert learned["bias"].item() == pytest.approx(-1, abs=0.02)


def test_an_interrupted_training_gives_the_same_result(tmp_path):
    whole = _trained(tmp_path / "whole.pt", steps=60)
    cut = _trained(tmp_path / "cut.pt", steps=60, cuts=(7, 31))
    assert all(torch.equal(whole[name], cut[name]) for name in whole)


def test_another_seed_ends_elsewhere(tmp_path):
    first, second = (_trained(tmp_path / f"{seed}.pt", steps=20, seed=seed) for seed in (1, 2))
    assert not torch.equal(first["weight"], second["weight"])


def test_a_checkpoint_is_written_atomically(tmp_path):
    checkpoint = tmp_path / "line.pt"
    _trained(checkpoint, steps=5)
    checkpoint.with_suffix(".draft").write_bytes(b"cut off in the middle")
    again = _trained(checkpoint, steps=5)
    assert torch.load(checkpoint, weights_only=True)["step"] == 5
    assert again["weight"].isfinite().all()


def test_minutes_end_a_training_too():
    budget = Budget(minutes=2)
    assert [budget.progress(10**6, seconds) for seconds in (0, 60, 120, 500)] == [0, 0.5, 1, 1]
    assert Budget(steps=4).progress(1, 10**6) == 0.25


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything trained for two steps from scratch, in the order of the plan."""
    place = tmp_path_factory.mktemp("training")
    _train(place, [])
    return place


def _train(place: Path, names: list[str], *, steps: int = 2, **options: object) -> list[str]:
    said: list[str] = []
    train_all(
        names,
        **{
            "work": place / "work",
            "into": place / "weights",
            "device": "cpu",
            "threads": 1,
            "seed": 1,
            "pictures": 80,
            "steps": steps,
            "report": said.append,
        }
        | options,
    )
    return said


def test_everything_can_be_trained_from_scratch(workplace):
    made = {folder.name: folder for folder in (workplace / "weights").iterdir()}
    assert sorted(made) == ["checker", "cutout", "hero", "matte", "scorer", "upscaler", "workhorse"]
    for name in ("hero", "workhorse", "cutout"):
        assert json.loads((made[name] / "model_index.json").read_text())["_class_name"] == "StableDiffusionPipeline"
    latents = {name: json.loads((made[name] / "unet" / "config.json").read_text())["in_channels"] for name in
               ("hero", "workhorse", "cutout")}  # fmt: skip
    assert latents == {"hero": 8, "workhorse": 8, "cutout": 4}
    for name, file in (("matte", "diffusion_pytorch_model"), ("upscaler", "model"), ("scorer", "model")):
        assert {"config.json", f"{file}.safetensors"} <= {each.name for each in made[name].iterdir()}
    assert {"preprocessor_config.json", "tokenizer.json"} <= {each.name for each in made["scorer"].iterdir()}


def test_trained_folders_run_in_the_runtime(workplace):
    model = TextToImage.load(workplace / "weights" / "cutout", open_device(kind="cpu", threads=1))
    assert model.weight_bytes() > 10_000_000
    model.close()


def test_a_finished_training_is_not_done_again(workplace):
    said = _train(workplace, ["matte"])
    assert said == ["matte  done"]


def test_a_longer_budget_goes_on_and_a_fresh_one_begins_again(workplace):
    def steps() -> int:
        checkpoint = workplace / "work" / "checkpoints" / "matte.pt"
        return int(torch.load(checkpoint, weights_only=True)["step"])

    _train(workplace, ["matte"], steps=3)
    assert steps() == 3
    _train(workplace, ["matte"], steps=1, fresh=True)
    assert steps() == 1


def test_training_can_start_from_published_folders(workplace, tmp_path):
    said = _train(tmp_path, ["workhorse"], steps=1, donor=workplace / "weights")
    assert "hero  done" not in said
    assert said[-1] == "workhorse  done"
    assert (tmp_path / "weights" / "workhorse" / "model_index.json").exists()


def test_a_missing_object_is_named(tmp_path):
    context = TrainingContext(tmp_path, 1, torch.device("cpu"), 10, lambda _: None)
    with pytest.raises(PartMissing, match="'hero' has not been trained yet"):
        context.denoiser("hero")


def test_dependencies_are_trained_first():
    order = list(PLAN)
    assert all(order.index(need) < order.index(name) for name, training in PLAN.items() for need in training.needs)


def test_measuring_writes_figures_and_cards(workplace):
    weights = workplace / "weights"
    names = ["hero", "workhorse", "matte", "upscaler", "scorer", "checker"]
    figures = measure_all(
        weights, names, captions=10, device="cpu", threads=1, cards=True, report=lambda _: None
    )  # fmt: skip
    assert json.loads((weights / "measured.json").read_text()) == figures
    assert figures["hero"]["accuracy"]["good"]["count"] == 10
    assert figures["hero"]["seconds"] > figures["workhorse"]["seconds"] > 0
    for name in names[:-1]:
        card = (weights / name / "README.md").read_text()
        assert card.startswith("---\nlicense: apache-2.0\n")
        assert "{" not in card
