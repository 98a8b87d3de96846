"""The maximum cost of a call whose inputs are still being chosen."""

from typing import Any

from billing.pricing.domain import PriceTerms
from inference.domain.admission import InputCheck
from inference.domain.rating import RatedCall, rate_call
from inference.services.files import known_files
from marketplace.accounts.domain import Actor
from providers.tasks.base import Task


def estimate(
    *, task: Task, check: InputCheck, terms: PriceTerms, inputs: Any, caller: Actor | None = None
) -> RatedCall:
    """Rate a call whose inputs may still be incomplete. Stores and holds nothing.

    Args:
        caller: the actor whose pictures the inputs may name; None: pictures are ignored.

    Raises:
        Invalid: an input that is present breaks the version's schema.
    """
    given = check.apply(inputs, is_complete=False)
    files = known_files(caller=caller, check=check, inputs=given) if caller is not None else {}
    return rate_call(task=task, schema=check.schema, terms=terms, inputs=given | files)
