"""The cost of a benchmark, with the same checks and rating as its calls."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings

from billing.ledger.domain import AccountKind
from billing.ledger.selectors import balance_of
from billing.pricing.domain import rate_calls
from inference.services.admit import CallTarget
from inference.services.estimates import estimate as estimate_call
from marketplace.accounts import policy
from marketplace.accounts.domain import Actor
from marketplace.accounts.policy import Action
from marketplace.benchmarks.domain.states import COMPARED_TASK, MAX_MODELS, MIN_MODELS, SCORING_TASK
from marketplace.benchmarks.models import Prompt
from marketplace.catalog.domain import parse_reference
from marketplace.catalog.services import resolution
from marketplace.core.problems import FieldError, Invalid, NotFound


@dataclass(frozen=True)
class Line:
    """One model's share of the cost: `calls` calls, together `amount` micro-units."""

    target: CallTarget
    calls: int
    amount: int


@dataclass(frozen=True)
class Estimate:
    """The maximum cost of a benchmark and the available balance, in micro-units."""

    lines: tuple[Line, ...]
    scorer: Line | None
    available: int
    currency: str

    @property
    def total(self) -> int:
        return sum(line.amount for line in self.lines) + (self.scorer.amount if self.scorer else 0)

    @property
    def is_covered(self) -> bool:
        return self.available >= self.total


def estimate(*, actor: Actor, prompts: Sequence[Prompt], models: Sequence[str], scorer: str = "") -> Estimate:
    """The cost of running each prompt on each model, at the prices in effect now.

    Args:
        models: names of listed models, `owner/name`.
        scorer: the name of a listed scorer, or empty.

    Raises:
        Invalid: there are too few or too many models, a model is not on sale or has another task, or a prompt breaks
            a model's schema.
        Forbidden: the actor is not allowed to run models.
    """
    policy.check(actor, Action.RUN)
    if len(models) > MAX_MODELS:
        raise _invalid("models", f"Choose at most {MAX_MODELS} models")
    targets = {(target := _target(name, task=COMPARED_TASK, field="models")).version: target for name in models}
    if len(targets) < MIN_MODELS:
        raise _invalid("models", f"Choose at least {MIN_MODELS} models")
    lines = [Line(target, len(prompts), amount_of_prompts(target, prompts)) for target in targets.values()]
    scoring = None
    if scorer:
        target = _target(scorer, task=SCORING_TASK, field="scorer")
        calls = len(prompts) * len(lines)
        scoring = Line(target, calls, amount_of_scores(target, calls))
    balance = balance_of(actor.party, AccountKind.BUYER_PREPAID)
    return Estimate(tuple(lines), scoring, balance.available, settings.CURRENCY)


def _target(name: str, *, task: str, field: str) -> CallTarget:
    reference = parse_reference(name)
    if reference is None or reference.version is not None:
        raise _invalid(field, f'"{name[:60]}" is no name of a model; names look like owner/name')
    try:
        target = resolution.look_up(reference)
    except NotFound as problem:
        raise _invalid(field, problem.detail) from None
    if target.task.name != task:
        raise _invalid(field, f"{target.model} is no model for {task.replace('-', ' ')}")
    return target


def amount_of_prompts(target: CallTarget, prompts: Iterable[Prompt]) -> int:
    """The maximum cost of a model's pictures for these prompts, in micro-units.

    Raises:
        Invalid: a prompt breaks the model's schema.
    """
    return sum(_amount(target, prompt) for prompt in prompts)


def amount_of_scores(target: CallTarget, calls: int) -> int:
    """The maximum cost of `calls` scores, in micro-units."""
    rated = estimate_call(task=target.task, check=target.check, terms=target.terms, inputs={})
    assert rated.quantity is not None  # a score is one image and one request, for any picture
    return rate_calls(target.terms, quantity=rated.quantity, calls=calls)


def _amount(target: CallTarget, prompt: Prompt) -> int:
    inputs = {"prompt": prompt.text, "seed": prompt.seed}
    try:
        rated = estimate_call(task=target.task, check=target.check, terms=target.terms, inputs=inputs)
        assert rated.amount is not None  # the compared task requires only a prompt
        return rated.amount
    except Invalid as problem:
        why = "; ".join(f"{error.field.removeprefix('input.')} {error.detail}" for error in problem.errors)
        raise _invalid("models", f"Prompt {prompt.position + 1} does not suit {target.model}: {why}") from None


def _invalid(field: str, detail: str) -> Invalid:
    return Invalid("Nothing was started", errors=[FieldError(field, detail)])
