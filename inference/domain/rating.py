"""What a call costs before it runs: the task says how much it delivers at most, the price says for what. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from billing.pricing.domain import PriceTerms, rate
from providers.tasks.base import Inputs, Task


@dataclass(frozen=True)
class RatedCall:
    """What a call delivers at most, and what that costs.

    Attributes:
        quantity: parts of the price's unit; None as long as its inputs do not tell, because a picture is missing.
        amount: micro-units; None likewise.
    """

    quantity: int | None
    amount: int | None


def rate_call(*, task: Task, schema: Mapping[str, Any], terms: PriceTerms, inputs: Inputs) -> RatedCall:
    """Rate a call as admission does and as it is charged at most.

    Args:
        schema: of the version's input.
        inputs: valid and with the schema's defaults; what is required may be missing.
    """
    quantity = task.quantities(inputs, schema).get(terms.unit)
    return RatedCall(quantity, None if quantity is None else rate(terms, quantity=quantity))
