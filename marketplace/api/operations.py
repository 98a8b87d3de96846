"""What the API document says of one method at one address; the table of routes holds one for each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from marketplace.core.problems import Problem

JSON, FORM = "application/json", "multipart/form-data"


class Access(Enum):
    """Who may call: anybody, the holder of a key, of a signed link, or of either."""

    ANYBODY = ()
    KEY = ("ApiKey",)
    LINK = ("SignedLink",)
    KEY_OR_LINK = ("ApiKey", "SignedLink")


@dataclass(frozen=True)
class Parameter:
    """A parameter besides those of the address, which its template names.

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
    """An answer that is no refusal; `shape` is a type, or None where there is no body or it is no JSON."""

    description: str
    shape: Any = None
    media_type: str | None = JSON


@dataclass(frozen=True)
class Dialect:
    """How refusals look below some addresses: what makes the answer, and its shape in the document."""

    refuse: Callable[..., Any]
    shape: Any
    media_type: str


@dataclass(frozen=True)
class Operation:
    """One method at one address.

    Attributes:
        id: its name in clients that are made from the document.
        answers: by status.
        refusals: the problems that a caller can meet and act on. Any other status is a refusal too.
    """

    id: str
    answers: Mapping[int, Answer]
    body: Body | None = None
    parameters: tuple[Parameter, ...] = ()
    refusals: tuple[type[Problem], ...] = ()
    access: Access = Access.KEY
