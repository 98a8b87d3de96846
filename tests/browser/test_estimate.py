"""What a run costs, while its form is filled in: the page asks the market and calculates nothing itself."""

import re
from contextlib import suppress
from typing import Any

import pytest
from playwright.sync_api import Error, Route, expect

from tests.browser.pages import Visitors
from tests.support.market import Market


@pytest.mark.slow
def test_the_price_follows_the_form_and_stays_while_the_market_is_asked(visitors: Visitors, market: Market) -> None:
    hero = market.demo["models"][0]
    with visitors.context("buyer") as context:
        tab = context.new_page()
        asked: list[Any] = []
        tab.on("request", lambda request: asked.append(request.post_data_json) if "/estimate" in request.url else None)
        tab.goto(f"/{hero}")
        price = tab.locator("[data-run-price]")
        expect(price).to_contain_text("$0.004")
        assert asked == [], "the page comes with the price of what its form holds"

        tab.get_by_label("Pictures").fill("3")
        expect(price).to_contain_text("$0.012")
        assert len(asked) == 1

        def away(route: Route) -> None:
            route.abort()

        tab.route("**/estimate", away)
        tab.get_by_label("Pictures").fill("2")
        expect(price).to_have_attribute("aria-busy", "true")
        expect(price).to_contain_text("$0.012")  # the last one known
        expect(price).not_to_have_attribute("aria-busy", "true")
        tab.unroute("**/estimate", away)

        tab.get_by_label("Pictures").fill("9")
        expect(tab.get_by_text(re.compile("Pictures must be at most 4"))).to_be_visible()
        expect(price).to_contain_text("$0.012")
        tab.get_by_label("Pictures").fill("4")
        expect(price).to_contain_text("$0.016")
        expect(tab.get_by_text(re.compile("Pictures must be at most 4"))).to_be_hidden()
        assert asked[-1]["input"]["num_outputs"] == 4


@pytest.mark.slow
def test_a_visitor_sees_prices_without_signing_in(visitors: Visitors, market: Market) -> None:
    with visitors.context(None) as context:
        tab = context.new_page()
        tab.goto(f"/{market.demo['models'][0]}?num_outputs=2")
        price = tab.locator("[data-run-price]")
        expect(price).to_contain_text("$0.008")
        tab.get_by_label("Pictures").fill("4")
        expect(price).to_contain_text("$0.016")


@pytest.mark.slow
def test_a_benchmarks_estimate_is_of_what_is_chosen_last(visitors: Visitors, market: Market) -> None:
    slug = market.demo["buyer"]["organization"]
    with visitors.context("buyer") as context:
        tab = context.new_page()
        tab.goto(f"/console/{slug}/prompt-sets/new?next=benchmark")
        tab.get_by_label("Name").fill("Asked in a hurry")
        tab.get_by_label("Prompts, one a line").fill("a red apple\na blue car")
        tab.get_by_role("button", name="Save prompt set").click()
        tab.wait_for_url("**/benchmarks/new?*")

        held: list[Route] = []

        def hold(route: Route) -> None:
            held.append(route)

        tab.route("**/estimate?*", hold)
        tab.get_by_label("Name").fill("Hero or workhorse?")
        for model in market.demo["models"][:2]:
            tab.get_by_label(model).check()
        expect(tab.get_by_label(market.demo["models"][1])).to_be_checked()
        for route in held:
            with suppress(Error):  # the page gave it up for a later one
                route.continue_()
        expect(tab.locator("[data-estimate]")).to_be_visible()
