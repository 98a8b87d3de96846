import uuid
from collections.abc import Sequence

from django.db import IntegrityError, transaction

from marketplace.accounts import policy
from marketplace.accounts.domain import Actor
from marketplace.accounts.policy import Action
from marketplace.accounts.services import audit
from marketplace.benchmarks.models import Benchmark, Cell, Contestant
from marketplace.benchmarks.services import rounds
from marketplace.benchmarks.services.estimates import Estimate, estimate
from marketplace.benchmarks.services.prompt_sets import checked_name, freeze, lock_prompt_set
from marketplace.core.money import format_amount
from marketplace.core.problems import Conflict, PaymentRequired


class EstimateChanged(Conflict):
    """The cost differs from the amount that the person agreed to."""

    kind, title = "estimate-changed", "The estimate has just changed"


def start(
    *,
    actor: Actor,
    benchmark_id: uuid.UUID,
    name: str,
    prompt_set_id: uuid.UUID | None,
    models: Sequence[str],
    scorer: str = "",
    agreed: int,
) -> Benchmark:
    """Pin the models' versions and prices, freeze the prompts, and start the benchmark.

    Args:
        benchmark_id: chosen by the form, so that sending the form twice starts one benchmark.
        models, scorer: as for `estimate`.
        agreed: the estimate's total that the person saw, in micro-units.

    Raises:
        Forbidden: see `policy.require`.
        NotFound: the organisation has no such prompt set.
        Invalid: see `estimate` and `checked_name`.
        EstimateChanged: the cost is not `agreed`.
        PaymentRequired: the balance does not cover the estimate.
        Conflict: another organisation's benchmark has this id.
    """
    if earlier := Benchmark.objects.filter(pk=benchmark_id).first():
        return _own(earlier, actor)
    try:
        return _start(actor, benchmark_id, checked_name(name), prompt_set_id, models, scorer, agreed)
    except IntegrityError:  # the same form was sent twice concurrently
        return _own(Benchmark.objects.get(pk=benchmark_id), actor)


@transaction.atomic
def _start(
    actor: Actor,
    benchmark_id: uuid.UUID,
    name: str,
    prompt_set_id: uuid.UUID | None,
    models: Sequence[str],
    scorer: str,
    agreed: int,
) -> Benchmark:
    prompt_set = lock_prompt_set(actor.organization_id, prompt_set_id)
    policy.require(actor, Action.START_BENCHMARK)
    prompts = list(prompt_set.prompts.all())
    costs = estimate(actor=actor, prompts=prompts, models=models, scorer=scorer)
    _check_cost(costs, agreed)
    benchmark = Benchmark.objects.create(
        id=benchmark_id,
        organization_id=actor.organization_id,
        name=name,
        prompt_set=prompt_set,
        started_by_id=actor.user_id,
        scorer_name=costs.scorer.target.model if costs.scorer else "",
        scorer_version_id=costs.scorer.target.version if costs.scorer else None,
        scorer_price_id=costs.scorer.target.terms.id if costs.scorer else None,
    )
    freeze(prompt_set)
    contestants = Contestant.objects.bulk_create(
        Contestant(
            benchmark=benchmark,
            position=position,
            model_name=line.target.model,
            version_id=line.target.version,
            price_id=line.target.terms.id,
        )
        for position, line in enumerate(costs.lines)
    )
    Cell.objects.bulk_create(
        Cell(benchmark=benchmark, contestant=contestant, prompt=prompt)
        for prompt in prompts
        for contestant in contestants
    )
    audit.record(
        actor,
        action="benchmark.started",
        subject=str(benchmark.pk),
        name=name,
        models=[contestant.model_name for contestant in contestants],
        estimate=costs.total,
    )
    rounds.request_advance(benchmark.pk)
    return benchmark


def _own(benchmark: Benchmark, actor: Actor) -> Benchmark:
    if benchmark.organization_id != actor.organization_id:
        raise Conflict("This form was used before. Reload the page and fill it in again.")
    return benchmark


def _check_cost(costs: Estimate, agreed: int) -> None:
    total = format_amount(costs.total, costs.currency)
    if costs.total != agreed:
        raise EstimateChanged(f"The benchmark now costs {total}. Nothing was started; look at the estimate once more.")
    if not costs.is_covered:
        available = format_amount(costs.available, costs.currency)
        raise PaymentRequired(
            f"The benchmark may cost {total}, and {available} of the balance is free. Nothing was started. Top up "
            "under Balance, or choose fewer prompts or models."
        )
