"""Reads the conditions of a call from its body and headers; they are the same in every dialect."""

import uuid
from collections.abc import Callable
from typing import Any

from inference.domain.conditions import Conditions, Idempotency
from marketplace.api.shapes.requests import Conditioned
from marketplace.catalog.domain import Reference
from marketplace.core.ids import parse_short
from marketplace.core.money import NotAnAmount, parse_ceiling
from marketplace.core.problems import FieldError, Invalid, NotFound

IDEMPOTENCY_HEADER, PRICE_HEADER, CONTRACT_HEADER = "Idempotency-Key", "Bourse-Max-Price", "Bourse-Contract"


def conditions_of(
    header: Callable[[str], str | None], body: Conditioned, *, reference: Reference, inputs: Any
) -> Conditions:
    """The conditions of a call. If a field and its header are both given, the lower ceiling counts, and the contract
    must be the same in both.

    Args:
        header: returns the request's header of a lower-case name.
        reference, inputs: the model and its inputs. An idempotency key is bound to them, but not to the wait and the
            form of the answer, so that a caller who stops waiting can repeat the request without waiting.

    Raises:
        Invalid: a condition cannot be understood.
        NotFound: the given contract is not the id of a contract.
    """
    ceilings = [
        _ceiling(name, given)
        for name, given in (("max_price", body.max_price), (PRICE_HEADER, header(PRICE_HEADER.lower())))
        if given is not None
    ]
    max_price = min(ceilings, default=None)
    contract = _contract(body.contract, header(CONTRACT_HEADER.lower()))
    key = header(IDEMPOTENCY_HEADER.lower())
    idempotency = None
    if key is not None:
        model = [reference.owner.lower(), reference.name.lower(), reference.version]
        request = {"model": model, "input": inputs, "max_price": max_price, "contract": contract}
        idempotency = Idempotency.of(key, request)
    return Conditions(max_price=max_price, contract=contract, idempotency=idempotency)


def _contract(field: object, in_header: str | None) -> uuid.UUID | None:
    given = field if field is not None else in_header
    if given is None:
        return None
    if in_header not in (None, given):
        wrong = FieldError("contract", f"is another one than the header {CONTRACT_HEADER} names")
        raise Invalid(f"Nothing was run and nothing is charged: contract {wrong.detail}", errors=[wrong])
    contract = parse_short(given) if isinstance(given, str) else None
    if contract is None:
        raise NotFound("There is no such contract")
    return contract


def _ceiling(name: str, given: object) -> int:
    try:
        return parse_ceiling(given)
    except NotAnAmount as error:
        wrong = FieldError(name, str(error))
        raise Invalid(f"Nothing was run and nothing is charged: {name}: {error}", errors=[wrong]) from None
