"""The results of a benchmark: the ranking, the pictures, and the files to download."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.http import HttpResponse
from django.utils.text import Truncator

from inference.links import artifact_path
from inference.selectors import some_predictions_for_buyer
from marketplace.accounts.policy import Action
from marketplace.benchmarks.domain.figures import CALLS_FOR_P95
from marketplace.benchmarks.domain.power import decisive_votes_needed
from marketplace.benchmarks.domain.ranking import MIN_PROMPTS
from marketplace.benchmarks.domain.states import CellState
from marketplace.benchmarks.selectors.benchmarks import (
    benchmark_for_buyer,
    grid_of,
    sees_names,
)
from marketplace.benchmarks.selectors.results import results_of
from marketplace.core.ids import short
from marketplace.core.problems import Forbidden
from marketplace.web.console import charts, exports
from marketplace.web.shared.access import MemberRequest, member_page
from marketplace.web.shared.paging import page_of
from marketplace.web.shared.pictures import thumbnail

if TYPE_CHECKING:
    from marketplace.benchmarks.models import Benchmark, Cell, Prompt

GRID_ROWS = 25


@member_page(Action.SEE_BENCHMARKS)
def results_csv(request: MemberRequest, id: uuid.UUID) -> HttpResponse:
    """The results, a row for each model."""
    benchmark = _opened(request, id)
    return exports.results_file(benchmark, results_of(benchmark))


@member_page(Action.SEE_BENCHMARKS)
def votes_csv(request: MemberRequest, id: uuid.UUID) -> HttpResponse:
    """The votes, oldest first."""
    return exports.votes_file(_opened(request, id))


def _opened(request: MemberRequest, id: uuid.UUID) -> Benchmark:
    """The benchmark, for a member who has seen its names. Raises NotFound, or Forbidden for members who still vote."""
    benchmark = benchmark_for_buyer(request.membership.organization_id, id)
    if not sees_names(benchmark, request.actor):
        raise Forbidden("The files name the models. Show the names on the benchmark's page first, which ends voting.")
    return benchmark


def results_context(request: MemberRequest, benchmark: Benchmark) -> dict[str, Any]:
    """The page's context for members who have seen the names."""
    results = results_of(benchmark)
    strips = charts.strips(results.rows)
    page = page_of(request, benchmark.prompt_set.prompts.all(), key=("position",), size=GRID_ROWS, name="pictures")
    return {
        "picture_page": page,
        "results": results,
        "rows": list(zip(results.rows, strips, strict=True)),
        "chart": charts.quality_against_price(results.rows) if results.ranking else None,
        "grid": _grid(benchmark, page.rows),
        "few_calls": any(0 < row.pictures < CALLS_FOR_P95 for row in results.rows),
        "calls_for_p95": CALLS_FOR_P95,
        "fewest_prompts": MIN_PROMPTS,
        "votes_for_55": decisive_votes_needed(0.55),
    }


def _grid(benchmark: Benchmark, prompts: Sequence[Prompt]) -> list[dict[str, Any]]:
    """The pictures, a row for each of these prompts."""
    cells = grid_of(benchmark, prompts)
    ids = [cell.prediction_id for cell in cells if cell.prediction_id]
    sizes = {
        view.id: (view.artifacts[0].width, view.artifacts[0].height)
        for view in some_predictions_for_buyer(benchmark.organization_id, ids).values()
        if view.artifacts
    }
    rows: dict[int, dict[str, Any]] = {}
    for cell in cells:
        row = rows.setdefault(cell.prompt_id, {"prompt": cell.prompt, "cells": []})
        width, height = sizes.get(cell.prediction_id, (None, None)) if cell.prediction_id else (None, None)
        row["cells"].append(_picture(cell, width=width, height=height))
    return list(rows.values())


def _picture(cell: Cell, *, width: int | None, height: int | None) -> dict[str, Any]:
    path = artifact_path(cell.artifact_id) if cell.artifact_id else ""
    return {
        "model": cell.contestant.model_name,
        "alt": f"{cell.contestant.model_name}: {Truncator(cell.prompt.text).chars(100)}",
        "thumbnail": thumbnail(path, width=width, height=height) if path else None,
        "prediction": short(cell.prediction_id) if cell.prediction_id else None,
        "state": cell.state,
        "score": cell.score,
        "error": cell.error if cell.state == CellState.FAILED else "",
    }
