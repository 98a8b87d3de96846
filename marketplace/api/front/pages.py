"""Replaces Django's own HTML error pages in the API with the dialect's refusals."""

from typing import Any

from marketplace.api.front.http import Response, Send
from marketplace.api.operations import Dialect
from marketplace.core import problems
from marketplace.core.problems import FAILED, InternalError, Problem

REFUSALS: dict[int, Problem] = {
    400: problems.NotUnderstood("The request's headers or address are not acceptable; is its Host this site's?"),
    403: problems.Forbidden("This request is not accepted here"),
    404: problems.NotFound("There is nothing at this address; /docs/api lists the API's addresses."),
    413: problems.TooLarge("The body is too large"),
}


class WithoutPages:
    """An ASGI `send` that replaces an HTML page with a refusal.

    Args:
        send: receives all messages.
        path: the request's path.
        head_only: whether the request's method is HEAD.
    """

    def __init__(self, send: Send, dialect: Dialect, *, path: str, head_only: bool) -> None:
        self._send = send
        self._dialect = dialect
        self._path = path
        self._head_only = head_only
        self._replaced = False

    async def __call__(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start" and _is_page(message):
            self._replaced = True
            problem = REFUSALS.get(message["status"], InternalError(FAILED))
            refusal: Response = self._dialect.refuse(problem, instance=self._path)
            await refusal.send(self._send, head_only=self._head_only)
        elif not self._replaced:
            await self._send(message)


def _is_page(message: dict[str, Any]) -> bool:
    return any(name.lower() == b"content-type" and b"html" in value.lower() for name, value in message["headers"])
