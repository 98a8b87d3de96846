"""What the front's table of routes is made of."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from marketplace.accounts.domain import RESERVED_SLUGS
from marketplace.api.front.http import Response, problem_response

Handler = Callable[..., Awaitable[Response]]
Refusal = Callable[..., Response]

PARAMETER = re.compile(r"\{(\w+)(?::(\w+))?\}")
KINDS = {
    None: "[^/]+",
    "path": ".+",  # further segments too
    # The first segment where organisations are: never an address of the site's own.
    "namespace": f"(?!(?:{'|'.join(map(re.escape, sorted(RESERVED_SLUGS)))})/)[^/]+",
}


@dataclass(frozen=True)
class Route:
    """`methods` of the addresses that match `template`, whose `{names}` are handed to the handler.

    A `{name:path}` takes several segments, a `{name:namespace}` none that is reserved for the site itself. A method
    that is not the front's goes on to later routes and to Django if `shared` says so. `refuse` makes the answer of a
    problem, in the dialect of the address. Another's protocol is not `documented` as our API.
    """

    methods: tuple[str, ...]
    template: str
    handler: Handler
    shared: bool = False
    refuse: Refusal = problem_response
    documented: bool = True

    def pattern(self) -> re.Pattern[str]:
        parts, end = [], 0
        for match in PARAMETER.finditer(self.template):
            parts += [re.escape(self.template[end : match.start()]), f"(?P<{match[1]}>{KINDS[match[2]]})"]
            end = match.end()
        return re.compile("".join(parts) + re.escape(self.template[end:]), re.DOTALL)
