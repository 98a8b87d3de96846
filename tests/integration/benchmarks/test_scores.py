"""Scoring: predictions of the scorer about the pictures, which do not delay the votes."""

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
from tests.support.benchmark_market import BenchmarkCase, list_scorer
from tests.support.inference_market import ListedModel, balance_of_buyer, claim_all, succeeded

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def scorer(database: None) -> ListedModel:
    return list_scorer(price=100)


@pytest.fixture
def case(scorer: ListedModel) -> BenchmarkCase:
    case = BenchmarkCase(prompts=2)
    case.scorer = scorer.target.model
    case.start()
    return case


def test_scores_are_in_the_estimate(case: BenchmarkCase):
    prompts = list(case.prompt_set.prompts.all())
    costs = estimate(actor=case.buyer.actor, prompts=prompts, models=case.names, scorer=case.scorer)
    assert costs.scorer is not None
    assert (costs.scorer.calls, costs.scorer.amount) == (4, 400)
    assert costs.total == 2 * 4_000 + 2 * 1_000 + 400


def score_all(scorer: ListedModel, node: str, value: Any) -> list[Any]:
    """End all waiting predictions of the scorer with this value. Returns their inputs."""
    claimed = claim_all(scorer, node)
    done = [replace(succeeded(one, delivered=0), quantities={"image": 1}, value=value) for one in claimed]
    complete(done)
    return [one.input for one in claimed]


def test_each_picture_is_scored_once(case: BenchmarkCase, scorer: ListedModel):
    case.run_to_the_end()
    assert case.state is State.RUNNING  # the pictures exist, the scores do not
    case.advance()
    assert progress_of(case.benchmark).to_score == 4
    asked = score_all(scorer, case.node, {"score": 0.25})
    assert sorted(one["prompt"] for one in asked) == sorted(cell.prompt.text for cell in case.cells())
    assert {one["image"]["$file"] for one in asked} == {"0" * 64}  # the pictures that the case's node delivers
    case.advance()
    assert case.state is State.COMPLETED
    assert [cell.score for cell in case.cells()] == [0.25] * 4
    assert [(row.score, row.scored) for row in results_of(case.benchmark).rows] == [(0.25, 2)] * 2
    assert balance_of_buyer(case.buyer).posted == 1_000_000 - 10_000 - 400


def test_an_answer_without_a_score_is_reported(case: BenchmarkCase, scorer: ListedModel):
    case.run_to_the_end()
    score_all(scorer, case.node, {"grade": "A"})
    case.advance()
    assert case.state is State.COMPLETED
    assert {cell.score_error for cell in case.cells()} == {"The scorer answered with no score."}


def test_a_failing_scorer_keeps_the_pictures(case: BenchmarkCase, scorer: ListedModel):
    case.run_to_the_end()
    claimed = claim_all(scorer, case.node)
    complete([Ended(one.id, one.attempt, Status.FAILED, error="no such picture") for one in claimed])
    case.advance()
    assert case.state is State.COMPLETED
    assert [(cell.state, cell.score_error) for cell in case.cells()] == [(CellState.SUCCEEDED, "no such picture")] * 4
    assert progress_of(case.benchmark).unscored == 4
    assert [row.score for row in results_of(case.benchmark).rows] == [None, None]
    assert balance_of_buyer(case.buyer).posted == 1_000_000 - 10_000

    control.retry(actor=case.by, benchmark_id=case.id)
    assert case.state is State.RUNNING
    case.advance()
    assert len(claim_all(scorer, case.node)) == 4
    assert Prediction.objects.filter(version=scorer.target.version).count() == 8


def test_a_withdrawn_scorer_does_not_block_the_benchmark(case: BenchmarkCase, scorer: ListedModel):
    scorer.withdraw()
    case.run_to_the_end()
    assert case.state is State.COMPLETED
    assert all("withdrawn" in cell.score_error for cell in case.cells())


def test_cancel_ends_the_scoring(case: BenchmarkCase, scorer: ListedModel):
    case.run_to_the_end()
    control.cancel(actor=case.by, benchmark_id=case.id)
    case.advance()
    assert {one.status for one in Prediction.objects.filter(version=scorer.target.version)} == {Status.CANCELED}
    assert balance_of_buyer(case.buyer).held == 0


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
