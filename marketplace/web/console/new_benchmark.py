"""Starting a benchmark: the form, and the estimate of what is chosen."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render

from marketplace.benchmarks.domain.states import FEWEST_MODELS, MOST_MODELS
from marketplace.benchmarks.selectors.prompt_sets import prompt_set_for_buyer, prompt_sets_for_buyer
from marketplace.benchmarks.services.estimates import COMPARED_TASK, SCORING_TASK, Estimate, estimate
from marketplace.benchmarks.services.start import EstimateChanged, start
from marketplace.catalog import selectors as catalog
from marketplace.core.ids import new_id, parse_short, short
from marketplace.core.problems import Invalid, PaymentRequired
from marketplace.web.shared.access import MemberRequest, member_page
from marketplace.web.shared.forms import by_field


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
        "fewest": FEWEST_MODELS,
        "most": MOST_MODELS,
        "estimate": costs,
        "cost_errors": cost_errors,
    }
    return render(request, "console/new_benchmark.html", context, status=422 if errors else 200)


@member_page
def estimate_part(request: MemberRequest) -> HttpResponse:
    """The form's estimate for what is chosen so far."""
    costs, errors = _estimate(request, request.GET)
    return render(request, "console/_estimate.html", {"estimate": costs, "cost_errors": errors})


def _estimate(request: MemberRequest, form: QueryDict) -> tuple[Estimate | None, dict[str, str]]:
    """The estimate of the form's choices, or what is wrong with them; neither while too little is chosen."""
    organization, models = request.membership.organization, form.getlist("model")
    prompt_set_id = parse_short(form.get("prompts", ""))
    if request.method == "GET" and (prompt_set_id is None or len(models) < FEWEST_MODELS):
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


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _number(text: str) -> int:
    """A whole number that the page itself wrote, or -1, which no amount is."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else -1
