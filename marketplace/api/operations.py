"""Operations: the API document's entries for one method at one address, as used in the table of routes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from marketplace.core.problems import Problem

JSON, FORM = "application/json", "multipart/form-data"


class Access(Enum):
    """What a call needs: nothing, a key, a signed link, or either."""

    ANYBODY = ()
    KEY = ("ApiKey",)
    LINK = ("SignedLink",)
    KEY_OR_LINK = ("ApiKey", "SignedLink")


@dataclass(frozen=True)
class Parameter:
    """A query or header parameter; the address's own parameters are in its template.

    Attributes:
        place: `query` or `header`.
    """

    name: str
    place: str
    description: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    required: bool = False


@dataclass(frozen=True)
class Body:
    """The body of a request; `shape` is a type, or None for bytes of any kind."""

    shape: Any
    media_type: str = JSON


@dataclass(frozen=True)
class Answer:
    """An answer that is not a refusal; `shape` is a type, or None if there is no body or it is not JSON."""

    description: str
    shape: Any = None
    media_type: str | None = JSON


@dataclass(frozen=True)
class Dialect:
    """The form of refusals at some addresses: the function that builds the answer, and its shape in the document."""

    refuse: Callable[..., Any]
    shape: Any
    media_type: str


@dataclass(frozen=True)
class Operation:
    """One method at one address.

    Attributes:
        id: its name in clients that are generated from the document.
        answers: the answers by status.
        refusals: the problems that a caller can handle. Any other status is a refusal too.
    """

    id: str
    answers: Mapping[int, Answer]
    body: Body | None = None
    parameters: tuple[Parameter, ...] = ()
    refusals: tuple[type[Problem], ...] = ()
    access: Access = Access.KEY
