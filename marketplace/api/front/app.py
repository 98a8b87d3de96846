"""The ASGI application in front of Django: answers the routes in the table, or passes them to Django's views."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from psycopg import OperationalError
from psycopg_pool import PoolTimeout

from marketplace.api.front.compression import compressed
from marketplace.api.front.http import Disconnected, Receive, Request, Response, Scope, Send
from marketplace.api.front.pages import WithoutPages
from marketplace.api.front.resources import Resources
from marketplace.api.front.routing import Address, Route, Table
from marketplace.api.problems import AWAY
from marketplace.api.routes import ROOTS, ROUTES
from marketplace.core.problems import FAILED, InternalError, MethodNotAllowed, NotFound, Problem, Unavailable

log = logging.getLogger(__name__)

Application = Callable[[Any, Any, Any], Awaitable[None]]  # ASGI; its types differ between packages


class Front:
    """Composes the table's routes with Django's application.

    Args:
        django: answers the table's routes to Django's views, and all addresses outside the API.
    """

    def __init__(self, django: Application) -> None:
        self._django = django
        self._table = Table(ROUTES, ROOTS)
        self.resources: Resources | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        address = self._table.address_of(scope["path"]) if scope["type"] == "http" else None
        if address is None:
            await self._django(scope, receive, send)
            return
        route = address.methods.get(scope["method"])
        if route is not None and route.handler is None:
            head_only = scope["method"] == "HEAD"
            documents = WithoutPages(send, address.dialect, path=scope["path"], head_only=head_only)
            await self._django(scope, receive, documents)
            return
        await self._answer(address, route, scope, receive, send)

    async def _answer(self, address: Address, route: Route | None, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._handle(address, route, request)
        except Disconnected:
            return
        if response.stream is None:
            response = await compressed(request, response)
            await response.send(send, head_only=request.method == "HEAD")
            return
        # A stream ends when its client disconnects, so that no resources stay open without a reader.
        sending = asyncio.create_task(response.send(send, head_only=request.method == "HEAD"))
        leaving = asyncio.create_task(request.disconnected())
        done, pending = await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        if sending in done:
            sending.result()

    async def _handle(self, address: Address, route: Route | None, request: Request) -> Response:
        refuse = address.dialect.refuse
        try:
            if route is None or route.handler is None:
                raise _not_here(address, request)
            if self.resources is None:
                raise Unavailable("The server is starting; try again in a second", retry_after=1)
            return await route.handler(request, self.resources, **address.arguments)
        except Problem as problem:
            response: Response = refuse(problem, instance=request.path)
        except (PoolTimeout, OperationalError):
            log.exception("the database is away: %s %s", request.method, request.path)
            response = refuse(Unavailable(AWAY, retry_after=2), instance=request.path)
        except Disconnected:
            raise
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            response = refuse(InternalError(FAILED), instance=request.path)
        return response

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        self.resources = Resources()
        await self.resources.open()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.resources.close()
        self.resources = None
        await send({"type": "lifespan.shutdown.complete"})


def _not_here(address: Address, request: Request) -> Problem:
    """The error for an address without a route for this method."""
    methods = tuple(address.methods)
    if methods:
        return MethodNotAllowed(f"Use {' or '.join(methods)} here", allowed=methods)
    return NotFound(f"There is no {request.path[:200]} in this API; /docs/api lists its addresses.")
