"""Admission: check the input, rate it, hold the money and record the prediction, all or nothing."""

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any

import orjson
from django.db import connection, transaction

from billing.outcomes.domain import ContractTerms
from billing.pricing.domain import PriceTerms
from inference import sql
from inference.domain.admission import InputCheck
from inference.domain.conditions import UNCONDITIONAL, Conditions
from inference.domain.lifecycle import HOLD_HOURS, Origin
from inference.domain.rating import rate_call
from inference.services import dispatch
from inference.services.files import take_files
from marketplace.accounts import policy
from marketplace.accounts.domain import Actor
from marketplace.accounts.policy import Action
from marketplace.core.ids import new_id, short
from marketplace.core.money import format_amount
from marketplace.core.problems import (
    Conflict,
    FieldError,
    Invalid,
    NotAuthenticated,
    NotFound,
    PaymentRequired,
    Problem,
)
from providers.tasks.base import Task

NO_CEILING = "none"
NO_FILES: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class CallTarget:
    """A pinned model version with everything that admission needs to know about it.

    Attributes:
        model: `owner/name`.
        terms: the price in effect at the look-up, or that of the contract.
        contract: the outcome contract that the call runs under, if any.
    """

    model_id: uuid.UUID
    model: str
    version: str
    task: Task
    check: InputCheck
    terms: PriceTerms
    contract: ContractTerms | None = None

    def under(self, contract: ContractTerms) -> "CallTarget":
        """The same call under an outcome contract.

        Raises:
            Invalid: the contract is about something else.
        """
        if contract.subject != self.terms.sku:
            wrong = FieldError("contract", f"is about {contract.label}, not {self.model}")
            raise Invalid("Nothing was run and nothing is charged: contract " + wrong.detail, errors=[wrong])
        return replace(self, terms=contract.price, contract=contract)


@dataclass(frozen=True)
class Admission:
    """A checked and rated call, ready for the admission statement.

    Attributes:
        amount: the most that the call can cost, in micro-units; `inference_admit` rates the held amount again.
        max_price: the caller's ceiling in micro-units; None: no ceiling.
        parameters: the parameters of `sql.ADMIT`.
    """

    id: uuid.UUID
    version: str
    amount: int
    max_price: int | None
    parameters: Mapping[str, Any]


class PriceChanged(Conflict):
    """The price in effect is not the one that the call was rated with; look it up again and retry."""

    kind, title = "price-changed", "The price has just changed"


class AbovePrice(Invalid):
    """The call may cost more than the caller's own limit. The balance does not matter."""

    kind, title = "above-max-price", "The call may cost more than max_price"


class ContractClosed(Conflict):
    """The outcome contract accepts no call now."""

    kind, title = "contract-closed", "The contract takes no call now"

    def headers(self) -> Mapping[str, str]:
        return {"x-should-retry": "false"}


class IdempotencyKeyReused(Conflict):
    """The key was used for another request. The headers tell clients not to retry: the conflict is permanent."""

    kind, title = "idempotency-key-reused", "This idempotency key was used for another request"

    def headers(self) -> Mapping[str, str]:
        return {"x-should-retry": "false"}


def prepare(
    *,
    caller: Actor,
    target: CallTarget,
    inputs: Any,
    files: Mapping[str, Any] = NO_FILES,
    origin: Origin,
    conditions: Conditions = UNCONDITIONAL,
    reply_channel: str | None = None,
) -> Admission:
    """Check and rate a call. Stores nothing.

    Args:
        files: references for the fields that take files, from `services.files.take_files`.
        reply_channel: Redis channel of the web process that will wait for the result, if any.

    Raises:
        Invalid: the input breaks the version's schema.
        AbovePrice: the estimate is above the caller's `max_price`.
        Forbidden: see `policy.check`; the admission statement checks whether the key is still valid.
    """
    policy.check(caller, Action.RUN)
    complete = target.task.complete(target.check.apply(inputs) | dict(files))
    rated = rate_call(task=target.task, schema=target.check.schema, terms=target.terms, inputs=complete)
    quantity, amount = rated.quantity, rated.amount
    if quantity is None or amount is None:
        raise AssertionError(f"{target.task.name} does not measure its {target.terms.unit} before it runs")
    if conditions.max_price is not None and amount > conditions.max_price:
        raise _above_price(amount, conditions.max_price, target)
    contract = target.contract
    prediction = new_id()
    return Admission(
        id=prediction,
        version=target.version,
        amount=amount,
        max_price=conditions.max_price,
        parameters={
            "admission": orjson.dumps(
                {
                    "schema": 1,
                    "id": prediction,
                    "organization": caller.organization_id,
                    "key": caller.key_id,
                    "user": caller.user_id,
                    "model": target.model_id,
                    "version": target.version,
                    "sku": target.terms.sku,
                    "price": target.terms.id,
                    "quantity": quantity,
                    "ceiling": NO_CEILING if conditions.max_price is None else conditions.max_price,
                    "contract": {"id": contract.id, "subject": contract.subject} if contract else None,
                    "idempotency": asdict(conditions.idempotency) if conditions.idempotency else None,
                    "input": complete,
                    "batch_key": target.task.batch_key(complete),
                    "origin": origin,
                    "reply_channel": reply_channel,
                    "hold_hours": HOLD_HOURS,
                    "source": f"prediction:{short(prediction)}",
                    "label": target.model,
                }
            ).decode()
        },
    )


def refusal(outcome: str, *, admission: Admission, target: CallTarget) -> Problem | None:
    """The error for the statement's outcome, or None if the prediction was admitted, now or earlier."""
    match outcome:
        case "admitted" | "replayed":
            return None
        case "key_reused":
            return key_reused()
        case "above_max_price" if admission.max_price is not None:
            return _above_price(admission.amount, admission.max_price, target)
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
        case "contract_unknown":
            return NotFound("There is no such contract")
        case "contract_ended":
            return ContractClosed(
                "This contract has ended and takes no new calls. Nothing was run. Leave `contract` out to pay the "
                "price in effect, or sign the provider's new offer."
            )
        case "contract_full":
            return ContractClosed(
                "As many calls as this contract allows run or wait for a verdict. Nothing was run. Review some of "
                "them first."
            )
        case "price_changed":
            return PriceChanged(f"The price of {target.model} has changed. Nothing was run; look it up and call again.")
    raise AssertionError(f"inference_admit answered {outcome!r}")


def key_reused() -> IdempotencyKeyReused:
    """The error for an idempotency key that was used for another request."""
    return IdempotencyKeyReused(
        "This Idempotency-Key was sent before with another request. Nothing was run. Send the same model, input and "
        "conditions to get the first answer again, or a new key to make a new call."
    )


def _above_price(amount: int, max_price: int, target: CallTarget) -> AbovePrice:
    currency = target.terms.currency
    rule = f"is {format_amount(max_price, currency)}, and this call may cost {format_amount(amount, currency)}"
    return AbovePrice(
        f"Nothing was run and nothing is charged: max_price {rule}. Raise it, or ask for fewer outputs.",
        errors=[FieldError("max_price", rule)],
    )


def admit(
    *, caller: Actor, target: CallTarget, inputs: Any, origin: Origin, conditions: Conditions = UNCONDITIONAL
) -> uuid.UUID:
    """Admit a prediction, notify a node, and return the prediction's id. It is on disk when this returns.

    With an idempotency key that was used for the same request, the id is that of the first prediction. Inside a
    transaction, the prediction is stored and nodes are notified when that transaction commits.

    Raises:
        Problem: refused; nothing was stored and nothing is held.
    """
    files = take_files(caller=caller, check=target.check, inputs=inputs)
    admission = prepare(caller=caller, target=target, inputs=inputs, files=files, origin=origin, conditions=conditions)
    with connection.cursor() as cursor:
        cursor.execute(sql.ADMIT, admission.parameters)
        row: tuple[str, uuid.UUID] = cursor.fetchone()
    if problem := refusal(row[0], admission=admission, target=target):
        raise problem
    transaction.on_commit(partial(dispatch.notify_node, target.version))
    return row[1]
