"""Bodies of requests, typed once: a `Shape` is what is read, what is refused, and what the API document shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar, get_args

import msgspec

from marketplace.core.problems import FieldError, Invalid


@dataclass(frozen=True)
class Says:
    """What a refusal says of a field whose value has not its type; written into the field's annotation."""

    text: str


class Shape(msgspec.Struct, kw_only=True, frozen=True):
    """Base of all bodies. Unknown fields are ignored.

    Attributes:
        REFUSED: how a refusal begins: what was not done.
    """

    REFUSED: ClassVar[str] = "Nothing was run and nothing is charged"


T = TypeVar("T", bound=Shape)


def read(body: object, shape: type[T]) -> T:
    """The body, as JSON or a form has it, in its shape.

    Raises:
        Invalid: names every field that is missing or not of its type. What is no object has no fields.
    """
    given = body if isinstance(body, dict) else {}
    try:
        return msgspec.convert(given, shape)
    except msgspec.ValidationError:
        raise refused(shape, errors_in(given, shape)) from None


def refused(shape: type[Shape], errors: list[FieldError]) -> Invalid:
    """The refusal of a body for these errors."""
    named = "; ".join(f"{error.field} {error.detail}" for error in errors)
    return Invalid(f"{shape.REFUSED}: {named}", errors=errors)


def errors_in(body: Mapping[str, Any], shape: type[Shape]) -> list[FieldError]:
    """One error for each field of the body that the shape cannot take."""
    return [
        FieldError(field.name, _text_for(field.type))
        for field in msgspec.structs.fields(shape)
        if (field.required or field.name in body) and not _is(body.get(field.name, msgspec.UNSET), field.type)
    ]


def error_of(shape: type[Shape], name: str) -> FieldError:
    """The error of one field of the shape, where a rule that the type cannot say refuses it."""
    (field,) = (field for field in msgspec.structs.fields(shape) if field.name == name)
    return FieldError(name, _text_for(field.type))


def _is(value: object, wanted: Any) -> bool:
    try:
        msgspec.convert(value, wanted)
    except msgspec.ValidationError:
        return False
    return value is not msgspec.UNSET


def _text_for(hint: Any) -> str:
    says = [one.text for one in get_args(hint)[1:] if isinstance(one, Says)]
    return says[0] if says else "is not of the type that is asked for"
