"""The entries of the table of routes, and the look-up of a request's address in it."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rest_framework.views import APIView

from marketplace.accounts.domain import RESERVED_SLUGS
from marketplace.api.front.http import Response, problem_response
from marketplace.api.operations import Dialect, Operation
from marketplace.api.shapes import answers
from marketplace.core.problems import CONTENT_TYPE

Handler = Callable[..., Awaitable[Response]]

PARAMETER = re.compile(r"\{(\w+)(?::(\w+))?\}")
KINDS = {
    None: "[^/]+",
    "path": ".+",  # further segments too
    "word": "[A-Za-z_][A-Za-z0-9_]{0,63}",
    # An organisation as the first segment: never a reserved name of the site.
    "namespace": f"(?!(?:{'|'.join(map(re.escape, sorted(RESERVED_SLUGS)))})/)[^/]+",
}
PROBLEMS = Dialect(problem_response, answers.Problem, CONTENT_TYPE)


@dataclass(frozen=True)
class Route:
    """A route for `methods` of the addresses that match `template`, whose `{names}` become arguments of the endpoint.

    A `{name:path}` matches several segments, a `{name:namespace}` one segment that is not reserved for the site, a
    `{name:word}` an identifier.

    Attributes:
        endpoint: a handler of the front, or a view that Django serves.
        operation: its entry in the API document; None: not part of this market's own API, so not documented.
        dialect: the form of its refusals.
    """

    methods: tuple[str, ...]
    template: str
    endpoint: Handler | type[APIView]
    operation: Operation | None = None
    dialect: Dialect = PROBLEMS

    @property
    def handler(self) -> Handler | None:
        """The front's handler; None if Django answers."""
        return None if isinstance(self.endpoint, type) else self.endpoint

    @property
    def view(self) -> type[APIView] | None:
        """Django's view; None if the front answers."""
        return self.endpoint if isinstance(self.endpoint, type) else None

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """Names of the template's parameters."""
        return tuple(match[1] for match in PARAMETER.finditer(self.template))

    def pattern(self) -> re.Pattern[str]:
        parts, end = [], 0
        for match in PARAMETER.finditer(self.template):
            parts += [re.escape(self.template[end : match.start()]), f"(?P<{match[1]}>{KINDS[match[2]]})"]
            end = match.end()
        return re.compile("".join(parts) + re.escape(self.template[end:]), re.DOTALL)


@dataclass(frozen=True)
class Address:
    """The routes of one template by method, and the values of its parameters in a request's path."""

    methods: Mapping[str, Route]
    dialect: Dialect
    arguments: Mapping[str, Any]


class Table:
    """Finds the routes of a path.

    Args:
        routes: the first matching template is used.
        roots: path prefixes below which nothing else is served, with the dialect of their refusals.
    """

    def __init__(self, routes: Iterable[Route], roots: Mapping[str, Dialect]) -> None:
        templates: dict[str, dict[str, Route]] = {}
        for route in routes:
            templates.setdefault(route.template, {}).update(dict.fromkeys(route.methods, route))
        self._addresses = [
            (route.pattern(), methods, route.dialect)
            for methods in templates.values()
            for route in [next(iter(methods.values()))]
        ]
        self._roots = roots

    def address_of(self, path: str) -> Address | None:
        """The routes of the path; an empty address below a root without a match; None elsewhere in the site."""
        for pattern, methods, dialect in self._addresses:
            if match := pattern.fullmatch(path):
                return Address(methods, dialect, match.groupdict())
        for root, dialect in self._roots.items():
            if path == root or path.startswith(f"{root}/"):
                return Address({}, dialect, {})
        return None
