"""The ASGI application in front of Django: its routes are answered here, everything else is handed on."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from psycopg import OperationalError
from psycopg_pool import PoolTimeout

from marketplace.api.front import artifacts, files, health, openai, predictions, streaming, uploads
from marketplace.api.front.http import Disconnected, Receive, Request, Response, Scope, Send
from marketplace.api.front.hub_routes import HUB_ROUTES
from marketplace.api.front.resources import Resources
from marketplace.api.front.routing import Route
from marketplace.api.problems import AWAY, FAILED
from marketplace.core.problems import InternalError, MethodNotAllowed, Problem, Unavailable

log = logging.getLogger(__name__)

Application = Callable[[Any, Any, Any], Awaitable[None]]  # ASGI, whose types differ from one package to the next


ROUTES = (
    Route(("POST",), "/v1/predictions", predictions.create, shared=True),
    Route(("POST",), "/v1/models/{owner}/{name}/predictions", predictions.create),
    Route(("GET",), "/v1/predictions/{id}", predictions.get),
    Route(("POST",), "/v1/predictions/{id}/cancel", predictions.cancel),
    Route(("GET",), "/v1/predictions/{id}/stream", streaming.stream),
    Route(("GET",), "/v1/predictions/{id}/events", streaming.events),
    Route(("GET", "HEAD"), "/v1/predictions/{id}/inputs/{field}", files.prediction_input),
    Route(("POST",), "/v1/files", files.upload, shared=True),
    Route(("GET", "HEAD"), "/v1/files/{id}/download", files.download),
    Route(("POST",), "/v1/uploads/{organization}", files.upload_by_link),
    Route(("POST",), "/openai/v1/images/generations", openai.generate, refuse=openai.refuse),
    Route(("POST",), "/openai/v1/images/edits", openai.edit, refuse=openai.refuse),
    Route(("GET",), "/openai/v1/models", openai.models, refuse=openai.refuse),
    Route(("GET",), "/openai/v1/models/{owner}/{name}", openai.model, refuse=openai.refuse),
    Route(("GET", "HEAD"), "/artifacts/{id}", artifacts.download),
    Route(("PUT",), "/uploads/{id}", uploads.put),
    Route(("GET", "HEAD"), "/healthz", health.healthz),
    Route(("GET", "HEAD"), "/readyz", health.readyz),
    Route(("GET",), "/metrics", health.metrics),
    *HUB_ROUTES,
)


class Front:
    """Composes the front's routes with Django's application.

    Args:
        django: takes what no route of the front matches.
    """

    def __init__(self, django: Application) -> None:
        self._django = django
        self._routes = [(route.pattern(), route) for route in ROUTES]
        self.resources: Resources | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if scope["type"] == "http":
            for pattern, route in self._routes:
                match = pattern.fullmatch(scope["path"])
                if match and (scope["method"] in route.methods or not route.shared):
                    await self._answer(route, match.groupdict(), scope, receive, send)
                    return
        await self._django(scope, receive, send)

    async def _answer(
        self, route: Route, arguments: dict[str, Any], scope: Scope, receive: Receive, send: Send
    ) -> None:
        request = Request(scope, receive)
        try:
            response = await self._handle(route, request, arguments)
        except Disconnected:
            return
        if response.stream is None:
            await response.send(send, head_only=request.method == "HEAD")
            return
        # A stream ends when its client goes away, so that nothing is kept open for nobody.
        sending = asyncio.create_task(response.send(send, head_only=request.method == "HEAD"))
        leaving = asyncio.create_task(request.disconnected())
        done, pending = await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        if sending in done:
            sending.result()

    async def _handle(self, route: Route, request: Request, arguments: dict[str, Any]) -> Response:
        try:
            if request.method not in route.methods:
                raise MethodNotAllowed(f"Use {' or '.join(route.methods)} here", allowed=route.methods)
            if self.resources is None:
                raise Unavailable("The server is starting; try again in a second", retry_after=1)
            return await route.handler(request, self.resources, **arguments)
        except Problem as problem:
            return route.refuse(problem, instance=request.path)
        except (PoolTimeout, OperationalError):
            log.exception("the database is away: %s %s", request.method, request.path)
            return route.refuse(Unavailable(AWAY, retry_after=2), instance=request.path)
        except Disconnected:
            raise
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            return route.refuse(InternalError(FAILED), instance=request.path)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        self.resources = Resources()
        await self.resources.open()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.resources.close()
        self.resources = None
        await send({"type": "lifespan.shutdown.complete"})
