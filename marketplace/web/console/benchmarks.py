"""The pages of started benchmarks: the list, one with its progress, and the actions on it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from billing.ledger.domain import AccountKind
from billing.ledger.selectors import balance_of
from marketplace.accounts.policy import Action
from marketplace.benchmarks.domain.states import State
from marketplace.benchmarks.selectors.ballots import ballot_of, votes_by_voter
from marketplace.benchmarks.selectors.benchmarks import (
    Progress,
    benchmark_for_buyer,
    benchmarks_for_buyer,
    failed_cells,
    progress_of,
    progress_of_each,
    sees_names,
)
from marketplace.benchmarks.services import control, voting
from marketplace.core.ids import short
from marketplace.web.console.forms import AgreedForm, ProgressQuery
from marketplace.web.console.results import results_context
from marketplace.web.shared.access import MemberRequest, member_page
from marketplace.web.shared.paging import page_of

if TYPE_CHECKING:
    from marketplace.benchmarks.models import Benchmark

BENCHMARKS = 30


@member_page(Action.SEE_BENCHMARKS)
def index(request: MemberRequest) -> HttpResponse:
    """The organisation's benchmarks, newest first."""
    found = benchmarks_for_buyer(request.membership.organization_id)
    page = page_of(request, found, key=("-created_at", "-id"), size=BENCHMARKS)
    progress = progress_of_each(page.rows)
    rows = [
        {
            "benchmark": benchmark,
            "id": short(benchmark.pk),
            "progress": progress[benchmark.pk],
            "models": [contestant.model_name for contestant in benchmark.contestants.all()],
        }
        for benchmark in page
    ]
    return render(request, "console/benchmarks.html", {"page": page, "rows": rows})


@member_page(Action.SEE_BENCHMARKS)
def detail(request: MemberRequest, id: uuid.UUID) -> HttpResponse:
    """One benchmark: its progress, its voting, and its results for those who have seen the names."""
    benchmark = benchmark_for_buyer(request.membership.organization_id, id)
    progress = progress_of(benchmark)
    is_open = sees_names(benchmark, request.actor)
    ballot = None if is_open else ballot_of(benchmark, request.membership.user_id)
    context: dict[str, Any] = {
        "benchmark": benchmark,
        "id": short(id),
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
        context |= {
            "rest": rest,
            "agreed_form": AgreedForm(initial={"agreed": rest}),
            "available": balance.available,
            "currency": settings.CURRENCY,
        }
    if is_open:
        context |= results_context(request, benchmark)
    return render(request, "console/benchmark.html", context)


@member_page(Action.SEE_BENCHMARKS)
def progress(request: MemberRequest, id: uuid.UUID) -> HttpResponse:
    """Only the progress. The page reloads it repeatedly, until a change needs a reload of the whole page."""
    benchmark = benchmark_for_buyer(request.membership.organization_id, id)
    counted = progress_of(benchmark)
    is_live = _is_live(benchmark, counted)
    awaits_pairs = ProgressQuery.of_query(request).value("awaits_pairs", False)
    context = {
        "benchmark": benchmark,
        "id": short(id),
        "progress": counted,
        "is_live": is_live,
        "awaits_pairs": awaits_pairs,
    }
    response = render(request, "console/_benchmark_progress.html", context)
    if not is_live or (awaits_pairs and ballot_of(benchmark, request.membership.user_id).total):
        response["HX-Refresh"] = "true"
    return response


@require_POST
@member_page(Action.CANCEL_BENCHMARK)
def cancel(request: MemberRequest, id: uuid.UUID) -> HttpResponse:
    """Cancel a benchmark."""
    control.cancel(actor=request.actor, benchmark_id=id)
    return redirect("web:console_benchmark", request.membership.organization.slug, id)


@require_POST
@member_page(Action.RESUME_BENCHMARK)
def resume(request: MemberRequest, id: uuid.UUID) -> HttpResponse:
    """Resume a paused benchmark at the cost that the page showed."""
    benchmark = benchmark_for_buyer(request.membership.organization_id, id)
    agreed = AgreedForm.of(request).given()["agreed"]
    control.resume(actor=request.actor, benchmark_id=benchmark.pk, agreed=agreed)
    return redirect("web:console_benchmark", request.membership.organization.slug, id)


@require_POST
@member_page(Action.RETRY_BENCHMARK)
def retry(request: MemberRequest, id: uuid.UUID) -> HttpResponse:
    """Run the failed cells and scores again."""
    control.retry(actor=request.actor, benchmark_id=id)
    return redirect("web:console_benchmark", request.membership.organization.slug, id)


@require_POST
@member_page(Action.VOTE)
def reveal(request: MemberRequest, id: uuid.UUID) -> HttpResponse:
    """Show the member the names and results, which ends their voting."""
    voting.reveal(actor=request.actor, benchmark_id=id)
    return redirect("web:console_benchmark", request.membership.organization.slug, id)


def _is_live(benchmark: Benchmark, counted: Progress) -> bool:
    return benchmark.state == State.RUNNING or counted.running > 0
