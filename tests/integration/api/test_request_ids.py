"""Each answer names its request, and so does every line that the request left in the log."""

import asyncio
import io
import logging
import logging.config
import uuid
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from django.conf import settings
from django.core.asgi import get_asgi_application

from marketplace.api.front.request_ids import RequestIds
from marketplace.api.front.resources import in_thread
from marketplace.core.request_ids import current_request_id
from tests.integration.api.conftest import Buyer
from tests.support.front_client import FrontClient

log = logging.getLogger("marketplace.tests")


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What the site's own handler writes."""
    stream, found = io.StringIO(), deepcopy(settings.LOGGING)
    handler = logging.config.DictConfigurator(found)
    handler.configure()
    (console,) = [one for one in logging.getLogger().handlers if type(one) is logging.StreamHandler]
    console.setStream(stream)
    yield stream
    logging.getLogger().removeHandler(console)


@pytest.mark.parametrize("own", ["order-4711", "0198c0de-0000-7000-8000-000000000000", "a" * 128, "A.b_c:d@e+f=g-"])
def test_a_callers_own_id_is_taken(front_client: FrontClient, own: str):
    answer = front_client.request("GET", "/v1/nothing", headers={"X-Request-Id": own})
    assert (answer.request_id, answer.json()["request_id"]) == (own, own)


@pytest.mark.parametrize("own", ["", " ", "a b", "a" * 129, "a\x00", "\xff", "<b>", "a,b", "id\u00b2"])
def test_an_id_that_is_none_is_replaced_by_a_uuid_of_version_7(front_client: FrontClient, own: str):
    answers = [front_client.request("GET", "/v1/nothing", headers={"X-Request-Id": own}) for _ in range(2)]
    assert [uuid.UUID(answer.request_id).version for answer in answers] == [7, 7]
    assert answers[0].request_id < answers[1].request_id


def test_every_kind_of_answer_has_one(database: None, buyer: Buyer, address: str):
    front_client = FrontClient(get_asgi_application())
    front_client.start()
    made = front_client.request("POST", address, {"input": {"prompt": "x"}}, key=buyer.key).json()
    front_client.request("POST", f"/v1/predictions/{made['id']}/cancel", key=buyer.key)
    for method, path, status in (
        ("GET", f"/v1/predictions/{made['id']}", 200),
        ("GET", f"/v1/predictions/{made['id']}/stream", 200),
        ("GET", "/v1/account", 200),
        ("DELETE", "/v1/account", 405),
        ("GET", "/openai/v1/nothing", 404),
        ("GET", "/api/models/nobody/nothing", 401),
        ("GET", "/nobody/nothing", 404),
        ("GET", "/static/nothing.css", 404),
        ("GET", "/console/", 302),
        ("GET", "/readyz", 200),
    ):
        key = None if path.startswith(("/api", "/console")) else buyer.key
        answer = front_client.request(method, path, key=key, headers={"X-Request-Id": "mine", "Host": "localhost"})
        assert (answer.status, answer.request_id) == (status, "mine"), path
    front_client.stop()


def test_what_nobody_caught_is_answered_and_logged(lines: io.StringIO):
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise ZeroDivisionError("a secret")

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/x", "headers": [(b"x-request-id", b"mine")]}
    asyncio.run(RequestIds(broken)(scope, None, send))  # type: ignore[arg-type]
    assert sent[0]["status"] == 500
    assert (b"x-request-id", b"mine") in sent[0]["headers"]
    assert b'"request_id":"mine"' in sent[1]["body"]
    assert b"secret" not in sent[1]["body"]
    assert " ERROR marketplace.api.front.request_ids [mine]: GET /x failed" in lines.getvalue()


def test_lines_of_threads_and_tasks_carry_it_and_others_do_not(lines: io.StringIO):
    async def application(scope: Any, receive: Any, send: Any) -> None:
        log.warning("in the handler of %s", scope["path"])
        await in_thread(log.warning, "in a thread of %s", scope["path"])
        await asyncio.create_task(asyncio.to_thread(log.warning, "in a task of %s", scope["path"]))

    async def ask(name: str) -> None:
        scope = {"type": "http", "method": "GET", "path": name, "headers": [(b"x-request-id", name.encode())]}
        await RequestIds(application)(scope, None, None)  # type: ignore[arg-type]

    async def both() -> None:
        await asyncio.gather(ask("one"), ask("two"))

    asyncio.run(both())
    log.warning("outside")
    written = lines.getvalue().splitlines()
    for name in ("one", "two"):
        own = [line for line in written if f" [{name}]: " in line]
        assert len(own) == 3
        assert all(line.endswith(f" of {name}") for line in own)
    assert written[-1].endswith(" WARNING marketplace.tests: outside")
    assert current_request_id() == ""
