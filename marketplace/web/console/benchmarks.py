"""The pages of benchmarks: choose and start, follow, read what came out."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from billing.ledger.domain import AccountKind
from billing.ledger.selectors import balance_of
from inference.links import artifact_path
from inference.selectors import some_predictions_for_buyer
from marketplace.benchmarks.domain.figures import CALLS_FOR_P95
from marketplace.benchmarks.domain.power import decisive_votes_needed
from marketplace.benchmarks.domain.ranking import MIN_PROMPTS
from marketplace.benchmarks.domain.states import COMPARED_TASK, MAX_MODELS, MIN_MODELS, SCORING_TASK, CellState, State
from marketplace.benchmarks.models import Benchmark, Cell
from marketplace.benchmarks.selectors.ballots import ballot_of, votes_by_voter
from marketplace.benchmarks.selectors.benchmarks import (
    Progress,
    benchmark_for_buyer,
    benchmarks_for_buyer,
    failed_cells,
    grid_of,
    progress_of,
    sees_names,
)
from marketplace.benchmarks.selectors.prompt_sets import prompt_set_for_buyer, prompt_sets_for_buyer
from marketplace.benchmarks.selectors.results import results_of
from marketplace.benchmarks.services import control, voting
from marketplace.benchmarks.services.estimates import Estimate, estimate
from marketplace.benchmarks.services.start import EstimateChanged, start
from marketplace.catalog import selectors as catalog
from marketplace.core.ids import new_id, parse_short, short
from marketplace.core.problems import Forbidden, Invalid, PaymentRequired
from marketplace.web.access import MemberRequest, member_page
from marketplace.web.console import charts, exports
from marketplace.web.console.views import by_field


@member_page
def index(request: MemberRequest) -> HttpResponse:
    found = benchmarks_for_buyer(request.membership.organization_id)
    rows = [
        {
            "benchmark": benchmark,
            "id": short(benchmark.pk),
            "progress": progress_of(benchmark),
            "models": [contestant.model_name for contestant in benchmark.contestants.all()],
        }
        for benchmark in found
    ]
    return render(request, "console/benchmarks.html", {"rows": rows})


@member_page
def new(request: MemberRequest) -> HttpResponse:
    """The form, with an estimate of what is chosen; sending it starts the benchmark."""
    errors: dict[str, str] = {}
    form = request.POST if request.method == "POST" else request.GET
    costs, cost_errors = _estimate(request, form)
    if request.method == "POST":
        errors = cost_errors
        if costs is not None and not errors:
            try:
                benchmark = start(
                    by=request.membership,
                    benchmark_id=_uuid(form.get("form", "")) or new_id(),
                    name=form.get("name", ""),
                    prompt_set_id=parse_short(form.get("prompts", "")),
                    models=form.getlist("model"),
                    scorer=form.get("scorer", ""),
                    agreed=_number(form.get("agreed", "")),
                )
            except Invalid as problem:
                errors = by_field(problem)
            except (EstimateChanged, PaymentRequired) as problem:
                errors = {"estimate": problem.detail}
            else:
                return redirect("web:console_benchmark", request.membership.organization.slug, short(benchmark.pk))
    chosen = form.getlist("model")
    context = {
        "name": form.get("name", ""),
        "form_id": form.get("form") if _uuid(form.get("form", "")) else new_id(),
        "prompt_sets": [
            {"id": short(one.pk), "name": one.name, "size": one.size}  # type: ignore[attr-defined]  # annotated
            for one in prompt_sets_for_buyer(request.membership.organization_id)
        ],
        "prompts": form.get("prompts", ""),
        "models": [_choice(offer, chosen) for offer in catalog.offers(task=COMPARED_TASK)],
        "scorers": [offer.slug for offer in catalog.offers(task=SCORING_TASK)],
        "scorer": form.get("scorer", ""),
        "errors": errors,
        "fewest": MIN_MODELS,
        "most": MAX_MODELS,
        "estimate": costs,
        "cost_errors": cost_errors,
    }
    return render(request, "console/new_benchmark.html", context, status=422 if errors else 200)


@member_page
def estimate_part(request: MemberRequest) -> HttpResponse:
    """The form's estimate for what is chosen so far."""
    costs, errors = _estimate(request, request.GET)
    return render(request, "console/_estimate.html", {"estimate": costs, "cost_errors": errors})


@member_page
def detail(request: MemberRequest, id: str) -> HttpResponse:
    benchmark = benchmark_for_buyer(request.membership.organization_id, parse_short(id))
    progress = progress_of(benchmark)
    is_open = sees_names(benchmark, request.membership.user)
    ballot = None if is_open else ballot_of(benchmark, request.membership.user)
    context: dict[str, Any] = {
        "benchmark": benchmark,
        "id": id,
        "progress": progress,
        "contestants": benchmark.contestants.all(),
        "prompt_set_id": short(benchmark.prompt_set_id),
        "failed": failed_cells(benchmark),
        "is_open": is_open,
        "ballot": ballot,
        "awaits_pairs": ballot is not None and not ballot.total,
        "voters": votes_by_voter(benchmark),
        "is_live": _is_live(benchmark, progress),
    }
    if benchmark.state == State.PAUSED:
        rest, _ = control.rest_of(benchmark)
        balance = balance_of(str(request.membership.organization_id), AccountKind.BUYER_PREPAID)
        context |= {"rest": rest, "available": balance.available, "currency": settings.CURRENCY}
    if is_open:
        context |= _results(benchmark)
    return render(request, "console/benchmark.html", context)


@member_page
def progress(request: MemberRequest, id: str) -> HttpResponse:
    """The progress alone, which asks for itself again until there is news that the whole page has to show."""
    benchmark = benchmark_for_buyer(request.membership.organization_id, parse_short(id))
    counted = progress_of(benchmark)
    is_live, awaits_pairs = _is_live(benchmark, counted), "awaits_pairs" in request.GET
    context = {"benchmark": benchmark, "id": id, "progress": counted, "is_live": is_live, "awaits_pairs": awaits_pairs}
    response = render(request, "console/_benchmark_progress.html", context)
    if not is_live or (awaits_pairs and ballot_of(benchmark, request.membership.user).total):
        response["HX-Refresh"] = "true"
    return response


@require_POST
@member_page
def cancel(request: MemberRequest, id: str) -> HttpResponse:
    control.cancel(by=request.membership, benchmark_id=parse_short(id))
    return redirect("web:console_benchmark", request.membership.organization.slug, id)


@require_POST
@member_page
def resume(request: MemberRequest, id: str) -> HttpResponse:
    agreed = _number(request.POST.get("agreed", ""))
    control.resume(by=request.membership, benchmark_id=parse_short(id), agreed=agreed)
    return redirect("web:console_benchmark", request.membership.organization.slug, id)


@require_POST
@member_page
def retry(request: MemberRequest, id: str) -> HttpResponse:
    control.retry(by=request.membership, benchmark_id=parse_short(id))
    return redirect("web:console_benchmark", request.membership.organization.slug, id)


@require_POST
@member_page
def reveal(request: MemberRequest, id: str) -> HttpResponse:
    voting.reveal(by=request.membership, benchmark_id=parse_short(id))
    return redirect("web:console_benchmark", request.membership.organization.slug, id)


@member_page
def results_csv(request: MemberRequest, id: str) -> HttpResponse:
    benchmark = _opened(request, id)
    return exports.results_file(benchmark, results_of(benchmark))


@member_page
def votes_csv(request: MemberRequest, id: str) -> HttpResponse:
    return exports.votes_file(_opened(request, id))


def _opened(request: MemberRequest, id: str) -> Benchmark:
    """The benchmark for somebody who asked for its names. Raises NotFound, or Forbidden for those who still vote."""
    benchmark = benchmark_for_buyer(request.membership.organization_id, parse_short(id))
    if not sees_names(benchmark, request.membership.user):
        raise Forbidden("The files name the models. Show the names on the benchmark's page first, which ends voting.")
    return benchmark


def _estimate(request: MemberRequest, form: QueryDict) -> tuple[Estimate | None, dict[str, str]]:
    """The estimate of the form's choices, or what is wrong with them; neither while too little is chosen."""
    organization, models = request.membership.organization, form.getlist("model")
    prompt_set_id = parse_short(form.get("prompts", ""))
    if request.method == "GET" and (prompt_set_id is None or len(models) < MIN_MODELS):
        return None, {}
    if prompt_set_id is None:
        return None, {"prompts": "Choose a prompt set"}
    prompts = list(prompt_set_for_buyer(organization.pk, prompt_set_id).prompts.all())
    try:
        found = estimate(organization=organization, prompts=prompts, models=models, scorer=form.get("scorer", ""))
    except Invalid as problem:
        return None, by_field(problem)
    return found, {}


def _choice(offer: catalog.Offer, chosen: Sequence[str]) -> Mapping[str, Any]:
    return {
        "slug": offer.slug,
        "description": offer.listing.model.description,
        "price": offer.price,
        "p50": offer.measured.p50_run_seconds,
        "chosen": offer.slug in chosen,
    }


def _results(benchmark: Benchmark) -> dict[str, Any]:
    results = results_of(benchmark)
    strips = charts.strips(results.rows)
    return {
        "results": results,
        "rows": list(zip(results.rows, strips, strict=True)),
        "chart": charts.quality_against_price(results.rows) if results.ranking else None,
        "grid": _grid(benchmark),
        "few_calls": any(0 < row.pictures < CALLS_FOR_P95 for row in results.rows),
        "calls_for_p95": CALLS_FOR_P95,
        "fewest_prompts": MIN_PROMPTS,
        "votes_for_55": decisive_votes_needed(0.55),
    }


def _grid(benchmark: Benchmark) -> list[dict[str, Any]]:
    """The pictures, a row for each prompt."""
    cells = grid_of(benchmark)
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
        row["cells"].append(_picture(cell) | {"width": width, "height": height})
    return list(rows.values())


def _picture(cell: Cell) -> dict[str, Any]:
    return {
        "model": cell.contestant.model_name,
        "image_url": artifact_path(cell.artifact_id) if cell.artifact_id else None,
        "prediction": short(cell.prediction_id) if cell.prediction_id else None,
        "state": cell.state,
        "score": cell.score,
        "error": cell.error if cell.state == CellState.FAILED else "",
    }


def _is_live(benchmark: Benchmark, counted: Progress) -> bool:
    return benchmark.state == State.RUNNING or counted.running > 0


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _number(text: str) -> int:
    """A whole number that the page itself wrote, or -1, which no amount is."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else -1
