"""A browser that comes again within the hour fetches no picture again."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Page as Tab

from tests.browser.pages import Visitors
from tests.support.market import Market
from tests.support.services import wait_until

WAITING = "SELECT FROM inference_thumbnails WHERE due_at IS NOT NULL"


@dataclass
class Fetched:
    """The market's pictures that came over the network."""

    addresses: list[str] = field(default_factory=list)

    def watch(self, tab: Tab) -> None:
        session = tab.context.new_cdp_session(tab)
        from_memory: set[str] = set()

        def received(event: dict[str, Any]) -> None:
            answer = event["response"]
            is_kept = answer.get("fromDiskCache") or event["requestId"] in from_memory
            if not is_kept and "signature=" in answer["url"] and answer["mimeType"].startswith("image/"):
                self.addresses.append(answer["url"])

        session.on("Network.requestServedFromCache", lambda event: from_memory.add(event["requestId"]))
        session.on("Network.responseReceived", received)
        session.send("Network.enable")


def show_all(tab: Tab, path: str) -> list[str]:
    """Open the page, scroll through it, and return the addresses of its pictures once all are there."""
    tab.goto(path)
    tab.evaluate("document.querySelectorAll('img').forEach((one) => { one.loading = 'eager'; })")
    tab.wait_for_function("[...document.images].every((one) => one.complete && one.naturalWidth > 0)")
    shown: list[str] = tab.evaluate("[...document.images].map((one) => one.currentSrc)")
    return shown


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/", "/models"])
def test_a_second_visit_fetches_no_picture_again(path: str, visitors: Visitors, market: Market) -> None:
    with market.connect() as connection:
        with visitors.context(None) as context:  # what no event queued is queued by its first visitor
            show_all(context.new_page(), path)
        wait_until(lambda: connection.execute(WAITING).fetchone() is None, "the thumbnails", seconds=60)
    for _ in range(2):  # the hour may turn between two visits
        with visitors.context(None) as context:
            tab, fetched = context.new_page(), Fetched()
            fetched.watch(tab)
            first = show_all(tab, path)
            assert fetched.addresses
            assert all("size=" in address for address in fetched.addresses)
            fetched.addresses.clear()
            if show_all(tab, path) == first:
                break
    assert fetched.addresses == []
