"""A scorer beside the votes: its own predictions about the pictures, which hold up nothing."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from inference.domain.lifecycle import Status
from inference.models import Prediction
from inference.worker.claims import Ended, complete
from marketplace.benchmarks.domain.states import CellState, State
from marketplace.benchmarks.selectors.benchmarks import progress_of
from marketplace.benchmarks.selectors.results import results_of
from marketplace.benchmarks.services import control
from marketplace.benchmarks.services.estimates import estimate
from marketplace.benchmarks.services.rounds import _score_of
from tests.support.benchmark_scene import Scene, list_scorer
from tests.support.inference_scene import OnSale, claim_all, purse, succeeded

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def scorer(database: None) -> OnSale:
    return list_scorer(price=100)


@pytest.fixture
def scene(scorer: OnSale) -> Scene:
    scene = Scene(prompts=2)
    scene.scorer = scorer.target.model
    scene.start()
    return scene


def test_scores_are_in_the_estimate(scene: Scene):
    prompts = list(scene.prompt_set.prompts.all())
    costs = estimate(organization=scene.buyer.organization, prompts=prompts, models=scene.names, scorer=scene.scorer)
    assert costs.scorer is not None
    assert (costs.scorer.calls, costs.scorer.amount) == (4, 400)
    assert costs.total == 2 * 4_000 + 2 * 1_000 + 400


def score_all(scorer: OnSale, node: str, value: Any) -> list[Any]:
    """Answer all that the scorer is asked with this value; the inputs it got."""
    claimed = claim_all(scorer, node)
    done = [replace(succeeded(one, delivered=0), quantities={"image": 1}, value=value) for one in claimed]
    complete(done)
    return [one.input for one in claimed]


def test_each_picture_is_scored_once(scene: Scene, scorer: OnSale):
    scene.run_to_the_end()
    assert scene.state is State.RUNNING  # the pictures are there, the scores are not
    scene.advance()
    assert progress_of(scene.benchmark).to_score == 4
    asked = score_all(scorer, scene.node, {"score": 0.25})
    assert sorted(one["prompt"] for one in asked) == sorted(cell.prompt.text for cell in scene.cells())
    assert {one["image"]["$file"] for one in asked} == {"0" * 64}  # the pictures that the scene's node delivers
    scene.advance()
    assert scene.state is State.COMPLETED
    assert [cell.score for cell in scene.cells()] == [0.25] * 4
    assert [(row.score, row.scored) for row in results_of(scene.benchmark).rows] == [(0.25, 2)] * 2
    assert purse(scene.buyer).posted == 1_000_000 - 10_000 - 400


def test_an_answer_that_is_no_score_is_said_to_be_none(scene: Scene, scorer: OnSale):
    scene.run_to_the_end()
    score_all(scorer, scene.node, {"grade": "A"})
    scene.advance()
    assert scene.state is State.COMPLETED
    assert {cell.score_error for cell in scene.cells()} == {"The scorer answered with no score."}


def test_a_scorer_that_fails_takes_no_picture_away(scene: Scene, scorer: OnSale):
    scene.run_to_the_end()
    claimed = claim_all(scorer, scene.node)
    complete([Ended(one.id, one.attempt, Status.FAILED, error="no such picture") for one in claimed])
    scene.advance()
    assert scene.state is State.COMPLETED
    assert [(cell.state, cell.score_error) for cell in scene.cells()] == [(CellState.SUCCEEDED, "no such picture")] * 4
    assert progress_of(scene.benchmark).unscored == 4
    assert [row.score for row in results_of(scene.benchmark).rows] == [None, None]
    assert purse(scene.buyer).posted == 1_000_000 - 10_000

    control.retry(by=scene.by, benchmark_id=scene.id)
    assert scene.state is State.RUNNING
    scene.advance()
    assert len(claim_all(scorer, scene.node)) == 4
    assert Prediction.objects.filter(version=scorer.target.version).count() == 8


def test_a_scorer_that_is_withdrawn_holds_up_nothing(scene: Scene, scorer: OnSale):
    scorer.withdraw()
    scene.run_to_the_end()
    assert scene.state is State.COMPLETED
    assert all("withdrawn" in cell.score_error for cell in scene.cells())


def test_cancel_ends_the_scoring(scene: Scene, scorer: OnSale):
    scene.run_to_the_end()
    control.cancel(by=scene.by, benchmark_id=scene.id)
    scene.advance()
    assert {one.status for one in Prediction.objects.filter(version=scorer.target.version)} == {Status.CANCELED}
    assert purse(scene.buyer).held == 0


@pytest.mark.parametrize(
    ("value", "score"),
    [
        ({"score": 0.25}, 0.25),
        ({"score": 1}, 1.0),
        ({"score": True}, None),
        ({"score": "0.5"}, None),
        ({"score": float("nan")}, None),
        ({}, None),
        ([], None),
        (None, None),
    ],
)
def test_only_a_number_is_a_score(value: Any, score: float | None):
    assert _score_of(SimpleNamespace(value=value)) == score
