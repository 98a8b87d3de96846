"""A real browser for each module.

Not pytest-playwright's session-wide one: while Playwright's synchronous API is started, its thread counts as running
an event loop, in which neither asynchronous tests nor Django's database calls of later modules could run.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.pages import Visitors, launch_options
from tests.support.market import Market


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright, playwright.chromium.launch(**launch_options()) as browser:
        yield browser


@pytest.fixture(scope="module")
def visitors(chromium: Browser, market: Market) -> Visitors:
    return Visitors(chromium, base_url=market.base_url, demo=market.demo)
