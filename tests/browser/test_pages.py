"""Every page, light and dark: accessible by axe's rules, no console errors, fits on a phone."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.pages import SCHEMES, SIZES, Visitors, open_page, pages_of, wait_until_it_fits, watch_errors
from tests.support.market import Market

PARTY = {"organization": "any"}
NAMES = [page.name for page in pages_of({"buyer": PARTY, "provider": PARTY, "models": ["any/any"]})]
EXPECTED_ERRORS = {"not-found": ["Failed to load resource: the server responded with a status of 404 (Not Found)"]}


@pytest.mark.slow
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", NAMES)
def test_page_is_accessible_and_fits(name: str, scheme: str, visitors: Visitors, market: Market) -> None:
    page = next(page for page in pages_of(market.demo) if page.name == name)
    with visitors.context(page.who, scheme=scheme) as context:
        tab = context.new_page()
        errors = watch_errors(tab)
        open_page(tab, page)
        found = Axe().run(tab)
        assert found.violations_count == 0, found.generate_report()
        narrow, height = SIZES["narrow"]
        tab.set_viewport_size({"width": narrow, "height": height})
        wait_until_it_fits(tab)
        found = Axe().run(tab)
        assert found.violations_count == 0, found.generate_report()
        assert errors == EXPECTED_ERRORS.get(name, [])
