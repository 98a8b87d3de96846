"""The outermost ASGI application: gives every answer of the site a request id, error answers included."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from marketplace.api.front.http import Receive, Request, Scope, Send, problem_response
from marketplace.core.problems import FAILED, InternalError
from marketplace.core.request_ids import begin_request

log = logging.getLogger(__name__)

HEADER = "x-request-id"

Application = Callable[[Any, Any, Any], Awaitable[None]]  # ASGI; its types differ between packages


class RequestIds:
    """Gives each request its id and puts it into the answer's header.

    Args:
        application: answers the requests. An exception that it raises is logged and answered with 500.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        request = Request(scope, receive)
        header = (HEADER.encode(), begin_request(request.header(HEADER)).encode())
        started = False

        async def send_with_id(message: dict[str, Any]) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message = message | {"headers": [*message.get("headers", ()), header]}
            await send(message)

        try:
            await self._application(scope, receive, send_with_id)
        except Exception:
            if started:
                raise
            log.exception("%s %s failed", request.method, request.path)
            await problem_response(InternalError(FAILED), instance=request.path).send(send_with_id)
