"""Starting a benchmark: the form, and the estimate of its choices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpResponse
from django.shortcuts import redirect, render

from billing.pricing.domain import price_text
from marketplace.accounts.policy import Action
from marketplace.benchmarks.domain.states import COMPARED_TASK, MAX_MODELS, MIN_MODELS, SCORING_TASK
from marketplace.benchmarks.selectors.prompt_sets import prompt_set_for_buyer, prompt_sets_for_buyer
from marketplace.benchmarks.services.estimates import Estimate, estimate
from marketplace.benchmarks.services.start import start
from marketplace.catalog import selectors as catalog
from marketplace.core.ids import parse_short, short
from marketplace.web.console.forms import BenchmarkForm, ChoicesForm, PromptsForm
from marketplace.web.shared.access import MemberRequest, member_page
from marketplace.web.shared.fields import Option
from marketplace.web.shared.figures import duration

if TYPE_CHECKING:
    from marketplace.benchmarks.models import Benchmark, PromptSet

MAX_PROMPT_SETS = 50  # that the form offers; the list of prompt sets links to it with any other


@member_page(Action.START_BENCHMARK)
def new(request: MemberRequest) -> HttpResponse:
    """The form, with an estimate of its choices; a POST starts the benchmark."""
    offers = catalog.offers(task=COMPARED_TASK)
    options = _options(request, offers)
    asked = ChoicesForm.of_query(request, **options)
    asked.full_clean()
    form = BenchmarkForm.of(request, initial=asked.cleaned_data, **options)
    costs = _estimate(request, form if form.is_bound else asked)
    if form.is_valid():
        benchmark = form.attempt(_start, request, form)
        if benchmark is not None:
            return redirect("web:console_benchmark", request.membership.organization.slug, benchmark.pk)
    context = {
        "form": form,
        "prompt_sets": options["prompt_sets"],
        "scorers": options["scorers"],
        "fewest": MIN_MODELS,
        "most": MAX_MODELS,
        "estimate": costs,
        "cost_errors": [] if form.is_bound else asked.problems(),
    }
    return render(request, "console/new_benchmark.html", context, status=form.status)


@member_page(Action.START_BENCHMARK)
def estimate_part(request: MemberRequest) -> HttpResponse:
    """The estimate of the form's choices so far."""
    form = ChoicesForm.of_query(request, **_options(request, catalog.offers(task=COMPARED_TASK)))
    context = {"estimate": _estimate(request, form), "cost_errors": form.problems()}
    return render(request, "console/_estimate.html", context)


def _options(request: MemberRequest, offers: list[catalog.Offer]) -> dict[str, Any]:
    """The available choices."""
    return {
        "prompt_sets": [
            (short(one.pk), f"{one.name} ({one.size} prompt{'' if one.size == 1 else 's'})")  # type: ignore[attr-defined]  # annotated
            for one in _prompt_sets(request)
        ],
        "models": [(offer.slug, _row(offer)) for offer in offers],
        "scorers": [offer.slug for offer in catalog.offers(task=SCORING_TASK)],
    }


def _prompt_sets(request: MemberRequest) -> list[PromptSet]:
    """The newest of the organisation's prompt sets, and the one that was asked for."""
    own = prompt_sets_for_buyer(request.membership.organization_id)
    sent = PromptsForm.of(request) if request.method == "POST" else PromptsForm.of_query(request)
    asked = sent.value("prompts", None)
    newest = list(own[:MAX_PROMPT_SETS])
    older = own.filter(pk=asked).exclude(pk__in=[one.pk for one in newest])
    return [*newest, *older] if asked else newest


def _estimate(request: MemberRequest, form: ChoicesForm) -> Estimate | None:
    """The estimate of the form's choices; None if they are incomplete or have errors."""
    models = form.value("model", [])
    prompt_set_id = parse_short(form.value("prompts"))
    is_complete = prompt_set_id is not None and len(models) >= MIN_MODELS
    if form.errors.keys() & {"prompts", "model", "scorer"} or not (is_complete or isinstance(form, BenchmarkForm)):
        return None
    prompts = list(prompt_set_for_buyer(request.actor.organization_id, prompt_set_id).prompts.all())
    return form.attempt(estimate, actor=request.actor, prompts=prompts, models=models, scorer=form.value("scorer"))


def _start(request: MemberRequest, form: BenchmarkForm) -> Benchmark:
    given = form.cleaned_data
    return start(
        actor=request.actor,
        benchmark_id=given["form"],
        name=given["name"],
        prompt_set_id=parse_short(given["prompts"]),
        models=given["model"],
        scorer=given["scorer"],
        agreed=-1 if given["agreed"] is None else given["agreed"],  # no amount is negative
    )


def _row(offer: catalog.Offer) -> Option:
    """A model as a choice: its name, price, median run and description."""
    price, seconds = offer.price, offer.stats.p50_run_seconds
    figure = price_text(price.amount, price.currency, price.unit)
    if seconds is not None:
        figure += f", {duration(seconds)}"
    return Option(offer.slug, figure=figure, note=offer.listing.model.description)
