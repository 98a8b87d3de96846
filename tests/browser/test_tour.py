"""Every feature of the market once, in one run on a new market."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.pages import Visitors
from tests.browser.tour import Tour, market_with_stripe
from tests.support.doubles.stripe import StripeDouble


@pytest.mark.slow
def test_the_tour_runs_every_feature(chromium: Browser, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with StripeDouble() as double, market_with_stripe(home, double) as market:
        visitors = Visitors(chromium, base_url=market.base_url, demo=market.demo)
        Tour(market, visitors, tmp_path / "pictures").take()
    assert len(list((tmp_path / "pictures").glob("*.png"))) == 17
