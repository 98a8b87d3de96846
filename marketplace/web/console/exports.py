"""Benchmarks as CSV files."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from django.http import HttpResponse

from marketplace.benchmarks.selectors.results import Results, counted_votes
from marketplace.core.money import decimal_text

if TYPE_CHECKING:
    from marketplace.benchmarks.models import Benchmark

# A spreadsheet reads a text with these starts as a formula; an apostrophe prevents that (OWASP, CSV injection).
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def results_file(benchmark: Benchmark, results: Results) -> HttpResponse:
    """A row for each model: rank, score interval, durations and costs."""
    header = [
        "rank", "model", "version", "score", "score_low", "score_high", "votes", "win_rate", "both_bad_share",
        "pictures", "failed", "p50_seconds", "p95_seconds", "p50_queue_seconds", "p50_load_seconds", "p50_run_seconds",
        "p95_run_seconds", "price_per_image", "cost_per_accepted_image", "charged", "currency", "scorer_mean",
    ]  # fmt: skip
    rows = []
    for row in results.rows:
        standing = row.standing
        rows.append(
            [
                standing.rank if standing else None,
                row.contestant.model_name,
                row.contestant.version_id,
                _number(standing.score if standing else None, 1),
                _number(standing.low if standing else None, 1),
                _number(standing.high if standing else None, 1),
                standing.votes if standing else 0,
                _number(standing.win_rate if standing else None, 4),
                _number(standing.both_bad if standing else None, 4),
                row.pictures,
                row.failed,
                _number(row.total.p50, 3),
                _number(row.total.p95, 3),
                _number(row.queue.p50, 3),
                _number(row.load.p50, 3),
                _number(row.run.p50, 3),
                _number(row.run.p95, 3),
                decimal_text(row.price),
                decimal_text(row.per_accepted) if row.per_accepted is not None else None,
                decimal_text(row.charged),
                results.currency,
                _number(row.score, 4),
            ]
        )
    return _file(f"results-{benchmark.pk}.csv", header, rows)


def votes_file(benchmark: Benchmark) -> HttpResponse:
    """A row for each vote that was not skipped, oldest first."""
    header = ["at", "voter", "prompt", "seed", "first_model", "second_model", "first_on_the_right", "choice", "reason"]
    rows = [
        [
            vote.created_at.isoformat(),
            vote.voter.email,
            vote.prompt.text,
            vote.prompt.seed,
            vote.first.model_name,
            vote.second.model_name,
            "yes" if vote.swapped else "no",
            vote.choice,
            vote.reason,
        ]
        for vote in counted_votes(benchmark)
    ]
    return _file(f"votes-{benchmark.pk}.csv", header, rows)


def _file(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    writer = csv.writer(response)
    writer.writerow(header)
    writer.writerows([_plain(value) for value in row] for row in rows)
    return response


def _plain(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def _number(value: float | None, digits: int) -> str | None:
    return None if value is None else f"{value:.{digits}f}"
