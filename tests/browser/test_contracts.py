"""An outcome contract through a real browser: offered, signed, run under, reviewed by keyboard, paid on both sides."""

import re
import secrets
from decimal import Decimal

import httpx
import pytest
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect

from tests.browser.pages import Visitors, sign_in, watch_errors
from tests.browser.test_journey import RUN_TIMEOUT_MS, join, owed, rows_of
from tests.support.market import Market
from tests.support.services import wait_until

PRICE, FEE = Decimal("0.009"), Decimal("0.0009")
MINUS = "\N{MINUS SIGN}"


@pytest.fixture
def newcomer(visitors: Visitors):  # type: ignore[no-untyped-def]
    """A tab of a visitor who is not signed in; any console error fails the test."""
    with visitors.context(None) as context:
        tab = context.new_page()
        errors = watch_errors(tab)
        yield tab
        assert errors == []


def make_offer(visitors: Visitors, market: Market, buyer: str) -> None:
    provider = market.demo["provider"]["organization"]
    with visitors.context("provider") as context:
        tab = context.new_page()
        tab.goto(f"/provider/{provider}/contracts")
        tab.get_by_role("link", name="Make an offer").click()
        tab.get_by_label("Buyer").fill(buyer)
        tab.get_by_label("Price per accepted picture").fill("free")
        tab.get_by_role("button", name="Sign and offer").click()
        expect(tab.get_by_label("Price per accepted picture")).to_have_attribute("aria-invalid", "true")
        tab.get_by_label("Price per accepted picture").fill(str(PRICE))
        tab.get_by_label("Review window, in hours").fill("48")
        tab.get_by_role("button", name="Sign and offer").click()
        expect(tab.get_by_text("waits for the buyer's signature")).to_be_visible()


@pytest.mark.slow
def test_a_contract_from_the_offer_to_both_statements(newcomer: Tab, visitors: Visitors, market: Market) -> None:
    tab, hero = newcomer, market.demo["models"][0]
    tab.goto("/accounts/signup/")
    slug = join(tab, credit=5)
    make_offer(visitors, market, slug)
    owed_before = owed(visitors, market)

    # Read and sign.
    tab.goto(f"/console/{slug}/contracts")
    tab.get_by_role("link", name=hero).click()
    shown = tab.locator("[data-hash]").inner_text()
    tab.get_by_text("The document that is signed").click()
    expect(tab.get_by_role("region", name="The document that is signed")).to_contain_text('"review_hours": 48')
    tab.get_by_role("button", name="Sign for").click()
    expect(tab.get_by_text("The contract is in force")).to_be_visible()
    contract = tab.locator("[data-contract-id]").inner_text()
    expect(tab.locator("[data-hash]")).to_have_text(shown)

    # Run under it, three pictures in one call.
    tab.get_by_role("link", name="Run under this contract").click()
    expect(tab.get_by_label("Pay per accepted image")).to_be_checked()
    tab.get_by_label("Prompt", exact=True).fill("a blue star on a yellow background")
    tab.get_by_label("Pictures").fill("3")
    expect(tab.get_by_text("$0.027")).to_be_visible()
    tab.get_by_role("button", name="Run").click()
    receipt = tab.get_by_role("region", name="Receipt")
    expect(receipt.locator(".total")).to_have_text(re.compile(r"Charged\s*\$0\.00"), timeout=RUN_TIMEOUT_MS)
    expect(receipt.get_by_text("under review until")).to_be_visible()
    expect(tab.get_by_text("Balance $4.973")).to_be_visible()

    # Review by keyboard: accept, reject with a reason, move about, accept.
    tab.goto(f"/console/{slug}/contracts/{contract}")
    expect(tab.locator("[data-held]")).to_have_text("$0.027")
    tab.get_by_role("link", name="Review 1 call").click()
    expect(tab.locator("[data-left]")).to_have_text("3")
    picture = tab.locator(".review-picture img")
    first = picture.get_attribute("src")
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 128
    tab.keyboard.press("a")
    expect(tab.locator(".review-last")).to_have_text("1 of 3 accepted: $0.009 is charged once its call is decided.")
    expect(tab.locator("[data-left]")).to_have_text("2")
    assert picture.get_attribute("src") != first
    tab.keyboard.press("/")
    tab.keyboard.type("a red star")
    tab.keyboard.press("Enter")
    expect(tab.locator(".review-last")).to_have_text("2 of 3 rejected (a red star): it costs nothing.")
    tab.keyboard.press("ArrowLeft")
    tab.keyboard.press("ArrowLeft")
    expect(tab.get_by_text("Accepted. A verdict is final.")).to_be_visible()
    tab.keyboard.press("r")  # decided already: nothing happens
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("a")
    expect(tab.get_by_text("2 accepted for $0.018, 1 rejected.")).to_be_visible()
    tab.get_by_role("link", name="Back to the contract").click()
    expect(tab.locator("[data-charged]")).to_have_text("$0.018")
    expect(tab.locator("[data-held]")).to_have_text("$0.00")
    expect(tab.get_by_role("cell", name="2 accepted, 1 rejected")).to_be_visible()

    # Both statements, to the micro-dollar.
    tab.goto(f"/console/{slug}/balance")
    expect(tab.locator("[data-available]")).to_have_text("$4.982")
    assert rows_of(tab, "Table of the statement")[0][2:] == [f"{hero}: 2 accepted images", f"{MINUS}0.018000"]
    assert owed(visitors, market) - owed_before == 2 * (PRICE - FEE)
    with visitors.context("provider") as context:
        provider = context.new_page()
        home = f"/provider/{market.demo['provider']['organization']}/contracts"
        provider.goto(f"{home}/{contract}")
        expect(provider.locator("[data-earned]")).to_have_text("$0.0162")
        expect(provider.get_by_text("a red star")).to_be_visible()  # the reason, and neither prompt nor picture
        expect(provider.get_by_text("a blue star on a yellow background")).to_have_count(0)
        expect(provider.locator("main img")).to_have_count(0)
        earned = provider.get_by_role("cell", name=f"{hero}, accepted").first

        def is_shown() -> bool:
            provider.goto(home.replace("contracts", "earnings"))
            return earned.is_visible()

        wait_until(is_shown, "the sums of the hour", seconds=90)


@pytest.mark.slow
def test_review_on_a_phone_shows_a_refused_verdict(visitors: Visitors, market: Market) -> None:
    """On the demo's contract; another client has reviewed one picture before."""
    buyer = market.demo["buyer"]["organization"]
    with visitors.context("buyer", size="narrow") as context:
        tab = context.new_page()
        tab.goto(f"/console/{buyer}/contracts")
        tab.locator(".ledger a").first.click()
        tab.get_by_role("link", name=re.compile("Review")).click()
        item = tab.evaluate("JSON.parse(document.getElementById('review-items').textContent)[0]")
        before = int(tab.locator("[data-left]").inner_text())
        headers = {"Authorization": f"Bearer {market.demo['buyer']['api_key']}"}
        address = f"{market.base_url}/v1/predictions/{item['prediction']}/reviews"
        verdict = {"verdict": "rejected", "position": item["position"], "reason": secrets.token_hex(4)}
        assert httpx.post(address, headers=headers, json=verdict, timeout=30).status_code == 201
        tab.get_by_role("button", name="Accept").click()
        expect(tab.get_by_role("alert")).to_contain_text("The other verdict was given on this image before")
        tab.get_by_role("button", name="The next picture").click()
        tab.get_by_role("button", name="Reject").click()
        expect(tab.locator("[data-left]")).to_have_text(str(before - 1))


@pytest.mark.slow
def test_other_organisations_get_404(visitors: Visitors, market: Market) -> None:
    with visitors.context("buyer") as context:
        tab = context.new_page()
        tab.goto(f"/console/{market.demo['buyer']['organization']}/contracts")
        address = tab.locator(".ledger a").first.get_attribute("href")
    id_ = address.rsplit("/", 1)[1]
    for party in market.demo["others"].values():
        with visitors.context(None) as context:
            tab = context.new_page()
            sign_in(tab, market.base_url, party)
            for side in ("console", "provider"):
                for rest in ("", "/review") if side == "console" else ("",):
                    answer = tab.goto(f"/{side}/{party['organization']}/contracts/{id_}{rest}")
                    assert answer.status == 404
            assert tab.goto(address).status == 404
