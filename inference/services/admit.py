"""Admission: check the input, rate it, hold the money and record the prediction, all or nothing."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import connection

from billing.domain import PriceTerms, rate
from inference import statements
from inference.domain.admission import InputCheck
from inference.domain.lifecycle import HOLD_HOURS, Origin
from inference.services import dispatch
from inference.services.files import take_files
from marketplace.accounts.selectors import Caller
from marketplace.core.ids import new_id
from marketplace.core.money import format_amount
from marketplace.core.problems import Conflict, Forbidden, NotAuthenticated, NotFound, PaymentRequired, Problem
from providers.tasks.base import Task


@dataclass(frozen=True)
class Callable:
    """A pinned model version with all that admission needs to know of it.

    Attributes:
        model: `owner/name`.
        terms: the price in effect when it was looked up.
    """

    model_id: uuid.UUID
    model: str
    version: str
    task: Task
    check: InputCheck
    terms: PriceTerms


@dataclass(frozen=True)
class Admission:
    """A checked and rated call, ready for the statement that makes it true.

    Attributes:
        amount: micro-units to hold, the most that it can cost.
        parameters: of `statements.ADMIT`.
    """

    id: uuid.UUID
    version: str
    amount: int
    parameters: Mapping[str, Any]


class PriceChanged(Conflict):
    """The price in effect is not the one that the call was rated with; looking it up anew helps."""

    kind, title = "price-changed", "The price has just changed"


def prepare(
    *,
    caller: Caller,
    target: Callable,
    inputs: Any,
    files: Mapping[str, Any],
    origin: Origin,
    waiter: str | None = None,
) -> Admission:
    """Check and rate a call. Touches nothing.

    Args:
        files: what the fields that take files stand for, as `services.files.take_files` found out.
        waiter: Redis channel of the web process that will wait for the result, if one does.

    Raises:
        Invalid: the input breaks the version's schema.
        Forbidden: the organisation does not buy.
    """
    if not caller.can_buy:
        raise Forbidden(f'"{caller.organization_slug}" does not buy; switch its buyer side on first')
    complete = target.task.complete(target.check.apply(inputs) | dict(files))
    quantity = target.task.quantity(complete)
    amount = rate(target.terms, quantity=quantity)
    prediction = new_id()
    return Admission(
        id=prediction,
        version=target.version,
        amount=amount,
        parameters={
            "id": prediction,
            "organization": caller.organization_id,
            "key": caller.key_id,
            "user": caller.user_id,
            "model": target.model_id,
            "version": target.version,
            "sku": target.terms.sku,
            "price": target.terms.id,
            "quantity": quantity,
            "amount": amount,
            "input": orjson.dumps(complete).decode(),
            "batch_key": target.task.batch_key(complete),
            "origin": origin.value,
            "waiter": waiter,
            "hold_hours": HOLD_HOURS,
        },
    )


def refusal(outcome: str, *, admission: Admission, target: Callable) -> Problem | None:
    """The error behind the statement's answer, or None if the prediction was admitted."""
    match outcome:
        case "admitted":
            return None
        case "insufficient_funds":
            needed = format_amount(admission.amount, target.terms.currency)
            return PaymentRequired(
                f"This call may cost {needed}, more than the balance that is free. Nothing was run. Top up under "
                "Balance in the console, or ask for fewer outputs."
            )
        case "key_revoked":
            return NotAuthenticated("This API key was revoked. Make a new one under API keys in the console.")
        case "version_withdrawn":
            return NotFound(f"Version {target.version} of {target.model} was withdrawn and takes no calls.")
        case "price_changed":
            return PriceChanged(f"The price of {target.model} has changed. Nothing was run; look it up and call again.")
    raise AssertionError(f"inference_admit answered {outcome!r}")


def admit(*, caller: Caller, target: Callable, inputs: Any, origin: Origin) -> uuid.UUID:
    """Admit a prediction, ring for it, and return its id. Once this returns, it is on disk.

    Raises:
        Problem: refused; nothing was stored and nothing is held.
    """
    files = take_files(caller=caller, check=target.check, inputs=inputs)
    admission = prepare(caller=caller, target=target, inputs=inputs, files=files, origin=origin)
    with connection.cursor() as cursor:
        cursor.execute(statements.ADMIT, admission.parameters)
        row: tuple[str] = cursor.fetchone()
    if problem := refusal(row[0], admission=admission, target=target):
        raise problem
    dispatch.ring(target.version)
    return admission.id
