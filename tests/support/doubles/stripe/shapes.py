"""Requests as the SDK's types describe them: decoded from Stripe's forms, and refused if they fit no type."""

import importlib
import re
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from pydantic import ConfigDict, TypeAdapter, ValidationError
from stripe import RequestOptions
from typing_extensions import TypedDict, is_typeddict

from tests.support.doubles.stripe.refusals import Refusal

Params = dict[str, Any]


def decode_form(body: str) -> Params:
    """`a[b][0][c]=1` as nested dictionaries and lists. Raises Refusal for inconsistent brackets."""
    tree: Params = {}
    for name, value in parse_qsl(body, keep_blank_values=True):
        steps = [step for step in re.split(r"\[|\]\[|\]", name) if step]
        node = tree
        for step in steps[:-1]:
            node = node.setdefault(step, {})
            if not isinstance(node, dict):
                raise Refusal(f"Invalid parameter: {name}", param=name, began=False)
        node[steps[-1]] = value
    return {name: _with_lists(value) for name, value in tree.items()}


def _with_lists(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    if node and all(key.isdigit() for key in node):
        return [_with_lists(node[key]) for key in sorted(node, key=int)]
    return {key: _with_lists(value) for key, value in node.items()}


def check(params: Params, described_by: str) -> Params:
    """The parameters with the types that the SDK gives them.

    Args:
        described_by: `package.Type` below `stripe.params`, for example `billing.MeterCreateParams`.

    Raises:
        Refusal: something is missing, unknown or of another type.
    """
    try:
        checked: Params = _adapter(described_by).validate_python(params)
    except ValidationError as error:
        first = error.errors()[0]
        where = "".join(f"[{step}]" if number else str(step) for number, step in enumerate(first["loc"]))
        code = {"extra_forbidden": "parameter_unknown", "missing": "parameter_missing"}.get(
            first["type"], "parameter_invalid"
        )
        said = {
            "parameter_unknown": f"Received unknown parameter: {where}",
            "parameter_missing": f"Missing required param: {where}.",
        }.get(code, f"Invalid {where}: {first['msg']}")
        raise Refusal(said, code=code, param=where, began=False) from error
    return checked


@cache
def _adapter(described_by: str) -> TypeAdapter[Any]:
    package, _, name = described_by.rpartition(".")
    described = getattr(importlib.import_module(f"stripe.params.{package}".rstrip(".")), name)
    module = importlib.import_module(described.__module__)
    config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)
    for found in vars(module).values():
        if is_typeddict(found) and found.__module__ == module.__name__:
            found.__pydantic_config__ = config
    # The SDK's types also hold the options of a request, which never travel in its body.
    fields = {
        field: kind for field, kind in described.__annotations__.items() if field not in RequestOptions.__annotations__
    }
    body = TypedDict(name, fields)  # type: ignore[operator]  # made from the SDK's own at run time
    body.__module__ = module.__name__  # where its forward references are known
    body.__pydantic_config__ = config
    return TypeAdapter(body)
