"""Fixtures for all tests: a real database without rollback, and a live market."""

from collections.abc import Iterator, Mapping

import pytest

import inference.runtime  # noqa: F401  # the libraries read what it sets when a test first imports them
from tests.support.market import Market, start_market
from tests.support.single_models import SAVERS


@pytest.fixture(scope="session")
def django_db_setup() -> None:
    """Each worker has its database already (tests.support.services)."""


@pytest.fixture
def database(django_db_blocker: object) -> Iterator[None]:
    """The worker's real database, with real commits. Nothing is rolled back: tests make parties of their own."""
    from django.db import connections

    with django_db_blocker.unblock():  # type: ignore[attr-defined]  # pytest-django's blocker has no public type
        yield
        connections.close_all()


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    """A whole live market with its own services: web, node, platform worker, beat and the demo. Started once."""
    with start_market(tmp_path_factory.mktemp("market")) as running:
        yield running


@pytest.fixture(scope="session")
def picture_models(market: Market, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Small models with random weights on sale in the live market, for the tasks that take a picture: task to slug."""
    owner = market.demo["others"]["provider"]["organization"]
    return {
        task: market.publish(save(tmp_path_factory.mktemp(task) / "model"), f"{owner}/tiny-{task}")
        for task, save in SAVERS.items()
    }


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of the live market share one worker, so that one market serves them all; all of them are slow."""
    for item in items:
        if "market" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.xdist_group("market"))
