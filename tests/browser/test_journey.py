"""A new buyer's journey in a real browser: from the front page to a picture and its ledger entries."""

import re
import secrets
from decimal import Decimal

import pytest
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect

from tests.browser.pages import Visitors, watch_errors
from tests.support.market import Market

PRICE, SHARE, FEE = Decimal("0.004"), Decimal("0.0036"), Decimal("0.0004")
PROMPT = "a blue star on a yellow background"
RUN_TIMEOUT_MS = 60_000


def rows_of(tab: Tab, region: str) -> list[list[str]]:
    """The text of the cells of a table's body."""
    rows = tab.get_by_role("region", name=region).locator("tbody tr").all()
    return [[cell.inner_text().strip() for cell in row.locator("td").all()] for row in rows]


def owed(visitors: Visitors, market: Market) -> Decimal:
    """The amount owed to the hero's provider, from the provider's page."""
    with visitors.context("provider") as context:
        tab = context.new_page()
        tab.goto(f"/provider/{market.demo['provider']['organization']}/earnings")
        return Decimal(tab.locator("[data-owed]").inner_text().lstrip("$").replace(",", ""))


@pytest.fixture
def tab(visitors: Visitors):  # type: ignore[no-untyped-def]
    """A tab of a visitor who is not signed in; any console error fails the test."""
    with visitors.context(None) as context:
        tab = context.new_page()
        errors = watch_errors(tab)
        yield tab
        assert errors == []


def join(tab: Tab, *, credit: int | None) -> str:
    """Sign up with a new e-mail address, create an organisation and top it up. Returns its slug."""
    name = f"Newcomer {secrets.token_hex(4)}"
    tab.get_by_label("Email").fill(f"{secrets.token_hex(6)}@example.com")
    tab.get_by_label("Password", exact=True).fill("a long enough passphrase")
    tab.get_by_role("button", name="Create account").click()
    tab.wait_for_url(lambda url: "/accounts/signup" not in url)
    tab.goto("/console/")
    tab.get_by_label("Name", exact=True).press_sequentially(name)
    slug = name.lower().replace(" ", "-")
    expect(tab.get_by_label("URL name")).to_have_value(slug)
    tab.get_by_role("button", name="Create organisation").click()
    tab.wait_for_url(f"**/console/{slug}/balance")
    expect(tab.locator("[data-available]")).to_have_text("$0.00")
    if credit is not None:
        expect(tab.get_by_text("Test money: nothing is charged.")).to_be_visible()
        tab.get_by_label("Amount in USD").fill(str(credit))
        tab.get_by_role("button", name="Add").click()
        expect(tab.locator("[data-available]")).to_have_text(f"${credit}.00")
    return slug


@pytest.mark.slow
def test_a_new_buyer_runs_a_model_and_sees_each_ledger_entry(tab: Tab, visitors: Visitors, market: Market) -> None:
    owed_before = owed(visitors, market)
    hero = market.demo["models"][0]

    # From the front page to the playground, which asks to sign in and keeps what was typed.
    tab.goto("/")
    tab.get_by_label("Describe a picture").fill(PROMPT)
    tab.get_by_role("button", name="Try it").click()
    expect(tab.get_by_label("Prompt", exact=True)).to_have_value(PROMPT)
    tab.get_by_role("link", name="Sign in to run").click()
    tab.locator("main").get_by_role("link", name="Sign up").click()
    slug = join(tab, credit=25)

    # Run it.
    tab.goto(f"/{hero}")
    tab.get_by_label("Prompt", exact=True).fill(PROMPT)
    tab.get_by_role("button", name="Run").click()
    picture = tab.locator("[data-stage]").get_by_role("img", name=PROMPT, exact=True)
    expect(picture).to_be_visible(timeout=RUN_TIMEOUT_MS)
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 128
    receipt = tab.get_by_role("region", name="Receipt")
    expect(receipt.locator(".total")).to_have_text(re.compile(r"Charged\s*\$0\.004"))
    expect(tab.get_by_text("Balance $24.996")).to_be_visible()

    # Its page and its entries.
    tab.get_by_role("link", name="Open this prediction").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text(PROMPT)
    expect(tab.locator(".facts .status")).to_have_text("Succeeded")
    tab.get_by_role("link", name="Ledger entries").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text(f"{hero}: 1 image")
    entries = rows_of(tab, "Table of the entries")
    assert sorted((row[1], row[2]) for row in entries[:-1]) == [
        ("Owed to the provider", "0.003600"),
        ("Platform fees", "0.000400"),
        ("Prepaid balance", "\N{MINUS SIGN}0.004000"),
    ]
    assert (entries[-1][0], entries[-1][2]) == ("Sum", "0.000000")

    # The statement, to the micro-dollar.
    tab.goto(f"/console/{slug}/balance")
    expect(tab.locator("[data-available]")).to_have_text("$24.996")
    assert [(row[2], row[3]) for row in rows_of(tab, "Table of the statement")] == [
        (f"{hero}: 1 image", "\N{MINUS SIGN}0.004000"),
        ("Top-up through sandbox", "25.000000"),
    ]
    tab.goto(f"/console/{slug}/predictions")
    expect(tab.locator(".runs > li")).to_have_count(1)

    # The other side of the same transaction.
    assert owed(visitors, market) - owed_before == SHARE == PRICE - FEE
    with visitors.context("operator") as context:
        operator = context.new_page()
        operator.goto("/operator/ledger")
        expect(operator.get_by_text("In balance")).to_be_visible()
        operator.goto("/operator/")
        expect(operator.get_by_role("cell", name=hero, exact=True)).to_be_visible()


@pytest.mark.slow
def test_key_is_shown_once_works_and_can_be_revoked(tab: Tab, market: Market) -> None:
    tab.goto("/accounts/signup/")
    slug = join(tab, credit=None)
    tab.goto(f"/console/{slug}/keys")
    tab.get_by_label("Name of a new key").fill("laptop")
    tab.get_by_role("button", name="Create key").click()
    dialog = tab.get_by_role("dialog")
    key = dialog.locator("[data-new-key]").inner_text()
    assert re.fullmatch(r"bourse_[A-Za-z0-9_-]{43}", key)
    account = f"{market.base_url}/v1/account"
    assert tab.request.get(account, headers={"Authorization": f"Bearer {key}"}).status == 200
    dialog.get_by_role("button", name="I have copied it").click()
    tab.goto(f"/console/{slug}/keys")
    assert key not in tab.content()
    tab.get_by_role("button", name="Revoke laptop").click()
    tab.get_by_role("button", name="Revoke", exact=True).click()
    expect(tab.get_by_text("The key was revoked")).to_be_visible()
    assert tab.request.get(account, headers={"Authorization": f"Bearer {key}"}).status == 401


@pytest.mark.slow
def test_without_money_the_page_leads_to_the_balance(tab: Tab, market: Market) -> None:
    tab.goto("/accounts/signup/")
    slug = join(tab, credit=None)
    tab.goto(f"/{market.demo['models'][0]}")
    expect(tab.get_by_role("button", name="Run")).to_have_count(0)
    tab.get_by_role("link", name="Top up the balance").click()
    tab.wait_for_url(f"**/console/{slug}/balance")


@pytest.mark.slow
def test_an_error_is_shown_at_the_invalid_field(visitors: Visitors, market: Market) -> None:
    with visitors.context("buyer") as context:
        tab = context.new_page()
        tab.goto(f"/{market.demo['models'][0]}?num_inference_steps=999")
        before = tab.get_by_text("Balance $").inner_text()
        tab.get_by_label("Prompt", exact=True).fill(PROMPT)
        tab.get_by_role("button", name="Run").click()
        expect(tab.locator("[data-error-for=num_inference_steps]")).to_be_visible()
        expect(tab.get_by_label("Steps")).to_have_attribute("aria-invalid", "true")
        assert tab.get_by_text("Balance $").inner_text() == before
