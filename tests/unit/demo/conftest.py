"""The recipe with settings so small that it takes seconds."""

from pathlib import Path

import pytest
import torch

from marketplace.demo.market import WEIGHTS
from marketplace.demo.recipe.quiet import silence_libraries

SCHEDULER_WARNING = "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning:diffusers"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.filterwarnings(SCHEDULER_WARNING))


@pytest.fixture(autouse=True)
def _alone():
    """One thread, no progress bars, and torch's random state restored."""
    silence_libraries()
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    torch.set_rng_state(before)


@pytest.fixture
def device() -> torch.device:
    return torch.device("cpu")


@pytest.fixture(scope="session")
def weights() -> Path:
    return WEIGHTS
