"""Real weights, loaded once, and jobs for them."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from inference.runtime.adapters import Job, TextToImage
from inference.runtime.device import Device, open_device

WEIGHTS = Path(__file__).parents[4] / "marketplace" / "demo" / "weights"

INPUTS = {
    "prompt": "a red star on a blue background",
    "negative_prompt": "",
    "width": 128,
    "height": 128,
    "num_inference_steps": 4,
    "guidance_scale": 2.5,
    "seed": 7,
    "num_outputs": 1,
    "output_format": "png",
}


# numpy's advice to the scheduler of diffusers 0.42, which turns a tensor into an array.
SCHEDULER_WARNING = "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning:diffusers"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.filterwarnings(SCHEDULER_WARNING))


@dataclass
class Watched:
    """A job and what was reported of it; it is canceled once `cancel_after` steps were reported."""

    inputs: dict[str, Any]
    cancel_after: int | None = None
    steps: list[tuple[int, int]] = field(default_factory=list)

    @property
    def job(self) -> Job:
        return Job(
            inputs=self.inputs,
            on_step=lambda step, steps: self.steps.append((step, steps)),
            canceled=lambda: self.cancel_after is not None and len(self.steps) >= self.cancel_after,
        )


@pytest.fixture(scope="session")
def device() -> Device:
    return open_device(kind="cpu", threads=1)


@pytest.fixture(scope="session")
def hero(device: Device) -> Iterator[TextToImage]:
    model = TextToImage.load(WEIGHTS / "hero", device)
    yield model
    model.close()


@pytest.fixture
def weights() -> Path:
    return WEIGHTS


@pytest.fixture
def watched() -> Callable[..., Watched]:
    def make(*, cancel_after: int | None = None, **inputs: Any) -> Watched:
        return Watched({**INPUTS, **inputs}, cancel_after)

    return make


@pytest.fixture
def run_concurrently() -> Callable[[list[Callable[[], Any]]], list[Any]]:
    """Runs functions on concurrent threads; returns their results or errors in order."""

    def run(functions: list[Callable[[], Any]]) -> list[Any]:
        barrier = threading.Barrier(len(functions))
        answers: list[Any] = [None] * len(functions)

        def one(number: int) -> None:
            barrier.wait()
            try:
                answers[number] = functions[number]()
            except Exception as error:
                answers[number] = error

        threads = [threading.Thread(target=one, args=(number,)) for number in range(len(functions))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        return answers

    return run
