"""The voting page and its calls. They do not reveal which model made which picture."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from inference.links import artifact_path
from marketplace.accounts.policy import Action
from marketplace.benchmarks.domain.states import Answer
from marketplace.benchmarks.selectors.ballots import Ballot, Shown, ballot_of
from marketplace.benchmarks.selectors.benchmarks import benchmark_for_buyer, sees_names
from marketplace.benchmarks.services import voting
from marketplace.core.ids import short
from marketplace.web.console.forms import PairForm, VoteForm
from marketplace.web.shared.access import MemberRequest, member_page

if TYPE_CHECKING:
    from marketplace.benchmarks.models import Benchmark


@member_page(Action.VOTE)
def page(request: MemberRequest, id: uuid.UUID) -> HttpResponse:
    """`GET`: the pair to vote on. `POST`: a vote as JSON, answered with the ballot after it."""
    benchmark = benchmark_for_buyer(request.membership.organization_id, id)
    if request.method == "POST":
        return _vote(request, benchmark)
    if sees_names(benchmark, request.actor):
        return redirect("web:console_benchmark", request.membership.organization.slug, id)
    ballot = document_of(ballot_of(benchmark, request.membership.user_id))
    context = {"benchmark": benchmark, "id": short(id), "ballot": ballot, "form": VoteForm(auto_id="%s")}
    return render(request, "console/vote.html", context)


@require_POST
@member_page(Action.VOTE)
def undo(request: MemberRequest, id: uuid.UUID) -> HttpResponse:
    """Undo the vote on the pair in the JSON body; answers with the ballot after it."""
    benchmark = benchmark_for_buyer(request.membership.organization_id, id)
    voting.undo(actor=request.actor, benchmark_id=benchmark.pk, key=PairForm.of_json(request).given()["pair"])
    return _answer(request, benchmark)


def _vote(request: MemberRequest, benchmark: Benchmark) -> HttpResponse:
    given = VoteForm.of_json(request).given()
    voting.vote(
        actor=request.actor,
        benchmark_id=benchmark.pk,
        key=given["pair"],
        answer=Answer(given["answer"]),
        reason=given["reason"],
    )
    return _answer(request, benchmark)


def _answer(request: MemberRequest, benchmark: Benchmark) -> JsonResponse:
    return JsonResponse(document_of(ballot_of(benchmark, request.membership.user_id)))


def document_of(ballot: Ballot) -> dict[str, Any]:
    """The ballot in the format of the page's script."""
    return {
        "done": ballot.done,
        "total": ballot.total,
        "undo": ballot.undo,
        "current": _pair(ballot.current),
        "upcoming": _pair(ballot.upcoming),
    }


def _pair(shown: Shown | None) -> dict[str, str] | None:
    if shown is None:
        return None
    return {
        "key": shown.key,
        "prompt": shown.prompt,
        "left": artifact_path(shown.left),
        "right": artifact_path(shown.right),
    }
