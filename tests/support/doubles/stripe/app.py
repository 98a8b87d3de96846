"""The HTTP application: authentication, idempotency, injected faults, and answers in Stripe's form."""

import json
import time
from dataclasses import asdict
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as HttpRoute

from tests.support.doubles.stripe import pages
from tests.support.doubles.stripe.refusals import Refusal
from tests.support.doubles.stripe.resources import ROUTES, Route
from tests.support.doubles.stripe.shapes import check, decode_form
from tests.support.doubles.stripe.store import DAY, Answered, Fault, Object, Store, Target

NO_RETRY = {"stripe-should-retry": "false"}


def make_app(store: Store) -> Starlette:
    """An application over this store."""
    routes = [_api(store, route) for route in ROUTES]
    return Starlette(routes=[*routes, *pages.routes(store), *_controls(store)])


def _api(store: Store, route: Route) -> HttpRoute:
    async def answer(request: Request) -> Response:
        body = (await request.body()).decode()
        return await run_in_threadpool(_answer, store, route, request, body)

    return HttpRoute(route.path, answer, methods=[route.method])


def _answer(store: Store, route: Route, request: Request, body: str) -> Response:
    store.requests.append((request.method, request.url.path))
    fault = store.fault_for(request.url.path)
    if fault is not None and fault.kind == "slow":
        time.sleep(fault.seconds)
    if fault is not None and fault.kind in ("error", "limited"):
        return _failed(429 if fault.kind == "limited" else 500)
    status, answer = _act_once(store, route, request, body)
    if fault is not None and fault.kind == "lost":
        return _failed(500)
    return JSONResponse(answer, status, headers=NO_RETRY if status == 400 else None)


def _failed(status: int) -> Response:
    said = {"type": "api_error", "message": "Something went wrong on the double's end, as it was asked to."}
    return JSONResponse({"error": said}, status)


def _act_once(store: Store, route: Route, request: Request, body: str) -> tuple[int, Object]:
    """Act once for each idempotency key: within a day the same request gets the first answer again."""
    key = request.headers.get("idempotency-key") if request.method == "POST" else None
    asked = f"{request.method} {request.url.path} {body}"
    with store.lock:
        known = store.keys.get(key) if key else None
        if known is not None and store.now() - known.at < DAY:
            if known.request != asked:
                refusal = Refusal(
                    "Keys for idempotent requests can only be used with the same parameters they were first used "
                    f"with. Try using a key other than '{key}' if you meant to execute a different request.",
                    type="idempotency_error",
                )
                return refusal.status, refusal.body
            return known.status, known.body
        try:
            status, answer = 200, _act(store, route, request, body)
        except Refusal as refusal:
            status, answer = refusal.status, refusal.body
            if not refusal.began:
                return status, answer
        answer = json.loads(json.dumps(answer))
        if key:
            store.keys[key] = Answered(asked, status, answer, store.now())
        return status, answer


def _act(store: Store, route: Route, request: Request, body: str) -> Object:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not key.startswith(("sk_test_", "rk_test_")):
        raise Refusal("Invalid API Key provided", status=401, began=False)
    params: dict[str, Any]
    if request.method == "GET":
        params = decode_form(request.url.query)
    elif route.path.startswith("/v2/"):
        params = json.loads(body or "{}")
    else:
        params = decode_form(body)
    checked = check(params, route.params)
    return route.act(store, checked, request.path_params.get("id") or str(request.base_url).rstrip("/"))


def _controls(store: Store) -> list[HttpRoute]:
    """Routes to control the double from another process; tests in its process change the store directly."""

    async def state(request: Request) -> Response:
        shown = {"now": store.now(), "available": store.available(), "objects": list(store.objects.values())}
        metered = [event for events in store.metered.values() for event in events]
        return JSONResponse(shown | {"metered": metered, "events": store.events, "requests": store.requests})

    async def control(request: Request) -> Response:
        asked = await request.json()
        match request.path_params["what"]:
            case "advance":
                store.advance(asked["seconds"])
            case "faults":
                store.faults.append(Fault(**asked))
            case "targets":
                store.targets.append(Target(**asked))
            case _:
                return JSONResponse({"error": "advance, faults or targets"}, 404)
        return JSONResponse({"now": store.now(), "faults": [asdict(fault) for fault in store.faults]})

    return [
        HttpRoute("/double", state, methods=["GET"]),
        HttpRoute("/double/{what}", control, methods=["POST"]),
    ]
