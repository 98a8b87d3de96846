"""Checking a call before any money is touched: pure, the same for every dialect and page."""

import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from marketplace.core.files import MARK
from marketplace.core.problems import FieldError, Invalid

Schema = Mapping[str, Any]
Inputs = dict[str, Any]
MAX_ERRORS = 20
SHOWN_VALUE = 60


@dataclass(frozen=True)
class InputCheck:
    """A version's schema, compiled once and used for all its calls."""

    schema: Schema
    validator: Draft202012Validator

    @classmethod
    def compile(cls, schema: Schema) -> "InputCheck":
        return cls(schema, Draft202012Validator(schema))

    def apply(self, given: Any, *, is_complete: bool = True) -> Inputs:
        """The input with the schema's defaults, whole numbers as integers.

        Args:
            is_complete: False for an input that is still being written, which may lack what is required.

        Raises:
            Invalid: naming each wrong field and what it takes.
        """
        if not isinstance(given, Mapping):
            raise Invalid(
                "`input` must be an object with the model's fields", errors=[FieldError("input", "must be an object")]
            )
        found = self.validator.iter_errors(given)
        errors = [_explain(error) for error in found if is_complete or error.validator != "required"]
        errors += [
            FieldError(f"input.{name}", "must not contain NUL characters")
            for name, value in given.items()
            if isinstance(value, str) and "\0" in value
        ]
        errors += [
            # Only admission itself may say which blob of the store an input is.
            FieldError(f"input.{name}", f"must not be an object with the key {MARK}")
            for name, value in given.items()
            if isinstance(value, dict) and MARK in value
        ]
        if errors:
            errors = sorted(set(errors), key=lambda error: error.field)[:MAX_ERRORS]
            named = "; ".join(f"{error.field} {error.detail}" for error in errors[:3])
            raise Invalid(f"Nothing was run and nothing is charged: {named}", errors=errors)
        properties: Mapping[str, Schema] = self.schema["properties"]
        complete = {name: field["default"] for name, field in properties.items() if "default" in field}
        complete |= {name: _whole(value, properties[name]) for name, value in given.items()}
        return complete


def in_order(properties: Mapping[str, Schema]) -> list[str]:
    """Names of a schema's fields in the order that their task gave them, which JSON in the database forgets."""
    return sorted(properties, key=lambda name: properties[name].get("x-order", 0))


def _whole(value: Any, field: Schema) -> Any:
    """JSON Schema counts 12.0 as an integer; what runs the model does not."""
    types = field.get("type")
    is_integer = types == "integer" or (isinstance(types, list) and "integer" in types)
    return int(value) if is_integer and isinstance(value, float) else value


def _explain(error: ValidationError) -> FieldError:
    field = ".".join(["input", *(str(part) for part in error.absolute_path)])
    rule: str = str(error.validator)
    limit: Any = error.validator_value
    given: Any = error.instance
    schema: Any = error.schema
    match rule:
        case "required":
            missing = sorted(set(limit) - set(given))
            return FieldError(f"input.{missing[0]}", "is required")
        case "additionalProperties":
            known = in_order(schema["properties"])
            unknown = sorted(set(given) - set(known))
            return FieldError(f"input.{unknown[0][:80]}", f"is no field of this model; it takes {', '.join(known)}")
        case "type":
            wanted = " or ".join(limit) if isinstance(limit, list) else limit
            return FieldError(field, f"must be of type {wanted}, not {_shown(given)}")
        case "minimum":
            return FieldError(field, f"must be at least {limit}, not {_shown(given)}")
        case "maximum":
            return FieldError(field, f"must be at most {limit}, not {_shown(given)}")
        case "multipleOf":
            return FieldError(field, f"must be a multiple of {limit}, not {_shown(given)}")
        case "minLength":
            return FieldError(field, "must not be empty" if limit == 1 else f"must have at least {limit} characters")
        case "maxLength":
            return FieldError(field, f"must have at most {limit:,} characters, not {len(given):,}")
        case "enum":
            return FieldError(field, f"must be one of {', '.join(map(str, limit))}, not {_shown(given)}")
    return FieldError(field, error.message[:200])


def _shown(value: Any) -> str:
    # Only as much of it is written out as is shown, however large it is.
    text = repr(value[: SHOWN_VALUE + 1]) if isinstance(value, str) else reprlib.repr(value)
    return text if len(text) <= SHOWN_VALUE else f"{text[:SHOWN_VALUE]}…"
