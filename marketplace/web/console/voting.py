"""The voting page and its calls. Nothing here says which model made which picture."""

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from inference.links import artifact_path
from marketplace.accounts.policy import Action
from marketplace.benchmarks.domain.states import MAX_REASON_LENGTH, Answer
from marketplace.benchmarks.models import Benchmark
from marketplace.benchmarks.selectors.ballots import Ballot, Shown, ballot_of
from marketplace.benchmarks.selectors.benchmarks import benchmark_for_buyer, sees_names
from marketplace.benchmarks.services import voting
from marketplace.core.ids import parse_short
from marketplace.core.problems import NotUnderstood
from marketplace.web.access import MemberRequest, member_page


@member_page(Action.VOTE)
def page(request: MemberRequest, id: str) -> HttpResponse:
    """`GET`: the pair to vote on. `POST`: a vote as JSON, answered with the ballot after it."""
    benchmark = benchmark_for_buyer(request.membership.organization_id, parse_short(id))
    if request.method == "POST":
        return _vote(request, benchmark)
    if sees_names(benchmark, request.actor):
        return redirect("web:console_benchmark", request.membership.organization.slug, id)
    ballot = document_of(ballot_of(benchmark, request.membership.user_id))
    context = {"benchmark": benchmark, "id": id, "ballot": ballot, "longest_reason": MAX_REASON_LENGTH}
    return render(request, "console/vote.html", context)


@require_POST
@member_page(Action.VOTE)
def undo(request: MemberRequest, id: str) -> HttpResponse:
    """Take back the vote on the pair that the JSON body names; answers with the ballot after it."""
    benchmark = benchmark_for_buyer(request.membership.organization_id, parse_short(id))
    voting.undo(actor=request.actor, benchmark_id=benchmark.pk, key=_text(_body(request), "pair"))
    return _answer(request, benchmark)


def _vote(request: MemberRequest, benchmark: Benchmark) -> HttpResponse:
    body = _body(request)
    try:
        answer = Answer(_text(body, "answer"))
    except ValueError:
        raise NotUnderstood("The vote could not be read; reload the page") from None
    voting.vote(
        actor=request.actor,
        benchmark_id=benchmark.pk,
        key=_text(body, "pair"),
        answer=answer,
        reason=_text(body, "reason"),
    )
    return _answer(request, benchmark)


def _answer(request: MemberRequest, benchmark: Benchmark) -> JsonResponse:
    return JsonResponse(document_of(ballot_of(benchmark, request.membership.user_id)))


def document_of(ballot: Ballot) -> dict[str, Any]:
    """The ballot as the page's script takes it."""
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


def _body(request: HttpRequest) -> dict[str, Any]:
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise NotUnderstood("The vote could not be read; reload the page")
    return body


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name, "")
    return value if isinstance(value, str) else ""
