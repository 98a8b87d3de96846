"""Money in and out through Stripe's double, in a real browser and a market of its own.

That market is one on a database, a Redis and a store that it does not run itself: as a company would run it.
"""

import secrets
import urllib.request
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, expect
from playwright.sync_api import Page as Tab
from psycopg import sql

from tests.browser.pages import Visitors, watch_errors
from tests.browser.test_journey import rows_of
from tests.browser.tour import market_with_stripe
from tests.support.doubles.stripe import StripeDouble
from tests.support.market import Market
from tests.support.services import home, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("stripe")]  # one market serves them all
METER = "bourse_usage_micros"
MINUS = "\N{MINUS SIGN}"


@pytest.fixture(scope="module")
def double() -> Iterator[StripeDouble]:
    with StripeDouble() as running:
        yield running


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The settings of a market that runs no services of its own."""
    database = f"elsewhere_{secrets.token_hex(4)}"
    with psycopg.connect(home.postgres_url(user="postgres", database="postgres"), autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {} OWNER bourse_owner").format(sql.Identifier(database)))
    return {
        "DATABASE_URL": home.postgres_url(user="bourse", database=database),
        "DATABASE_OWNER_URL": home.postgres_url(user="bourse_owner", database=database),
        "REDIS_URL": f"unix://{home.redis_socket}?db=0",
        "CELERY_BROKER_URL": f"redis+socket://{home.redis_socket}?virtual_host=0",
        "STORAGE_URL": f"file://{tmp_path_factory.mktemp('elsewhere') / 'blobs'}",
        "SECRET_KEY": secrets.token_hex(32),
        "RECEIPT_KEY": secrets.token_hex(32),
    }


@pytest.fixture(scope="module")
def connected(
    double: StripeDouble, given: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Market]:
    with market_with_stripe(tmp_path_factory.mktemp("stripe"), double, **given) as running:
        yield running


@pytest.fixture(scope="module")
def people(chromium: Browser, connected: Market) -> Visitors:
    return Visitors(chromium, base_url=connected.base_url, demo=connected.demo)


def figure(tab: Tab, selector: str) -> Decimal:
    return Decimal(tab.locator(selector).inner_text().lstrip("$").replace(",", ""))


def call_the_hero(market: Market) -> None:
    """One image, paid by the demo's buyer."""
    buyer, model = market.demo["buyer"], market.demo["models"][0]
    request = urllib.request.Request(
        f"{market.base_url}/v1/models/{model}/predictions",
        b'{"input": {"prompt": "a red circle", "seed": 1}}',
        {"Authorization": f"Bearer {buyer['api_key']}", "Content-Type": "application/json", "Prefer": "wait=60"},
    )
    with urllib.request.urlopen(request, timeout=90) as answer:
        assert answer.status in (200, 201)


def test_given_services_are_used_and_none_is_started(connected: Market, given: dict[str, str]) -> None:
    with urllib.request.urlopen(f"{connected.base_url}/models", timeout=30) as answer:
        assert b"icon-hero" in answer.read()
    with psycopg.connect(given["DATABASE_OWNER_URL"]) as connection:
        made = connection.execute("SELECT count(*), min(status), max(status) FROM inference_prediction").fetchone()
    assert made == (44, "succeeded", "succeeded")  # three models, and the calls under contract
    assert not (connected.home / "postgres").exists()
    assert not (connected.home / "redis").exists()
    assert not (connected.home / "secrets").exists()
    blobs = Path(given["STORAGE_URL"].removeprefix("file://"))
    assert len(list(blobs.glob("sha256/*/*"))) > 44


def test_a_buyer_tops_up_on_the_hosted_page(people: Visitors, connected: Market, double: StripeDouble) -> None:
    slug = connected.demo["buyer"]["organization"]
    with people.context("buyer") as context:
        tab = context.new_page()
        errors = watch_errors(tab)
        tab.goto(f"/console/{slug}/balance")
        expect(tab.get_by_text("Test money: Stripe is connected in test mode.")).to_be_visible()
        before = figure(tab, "[data-available]")
        tab.get_by_label("Amount in USD").fill("20")
        tab.get_by_role("button", name="Pay").click()

        # On Stripe's page: a declined card, going back, and paying.
        expect(tab.get_by_role("heading", name="Pay 20.00 USD")).to_be_visible()
        assert tab.url.startswith(f"{double.url}/pay/")
        tab.get_by_role("button", name="Decline").click()
        expect(tab.get_by_text("Your card was declined.")).to_be_visible()
        tab.get_by_role("link", name="Back").click()
        expect(tab.get_by_text("Nothing was charged.")).to_be_visible()
        tab.get_by_role("link", name="Go back to the payment page").click()
        tab.get_by_role("button", name="Pay", exact=True).click()

        tab.wait_for_url(f"**/console/{slug}/balance/top-ups/*")
        expect(tab.get_by_text("It is on your balance")).to_be_visible(timeout=30_000)
        tab.get_by_role("link", name="Back to the balance").click()
        assert figure(tab, "[data-available]") == before + 20
        statement = rows_of(tab, "Table of the statement")
        assert (statement[0][2], statement[0][3]) == ("Top-up through Stripe", "20.000000")
        assert [row[1] for row in rows_of(tab, "Table of top-ups")] == ["Paid"]
        assert errors == []
    assert len(double.store.all("customer")) == 1


def test_usage_is_metered_and_a_provider_is_paid(people: Visitors, connected: Market, double: StripeDouble) -> None:
    (customer,) = double.store.all("customer")
    call_the_hero(connected)

    def metered() -> list[str]:
        return [event["payload"]["value"] for event in double.store.metered.get((METER, customer["id"]), [])]

    wait_until(lambda: metered() == ["4000"], "the meter's event", seconds=20)

    slug = connected.demo["provider"]["organization"]
    with people.context("provider") as context:
        tab = context.new_page()
        errors = watch_errors(tab)
        tab.goto(f"/provider/{slug}/payouts")
        payable = figure(tab, "[data-payable]")
        assert payable >= Decimal("0.01")
        tab.get_by_role("button", name="Set up").click()
        expect(tab.get_by_role("heading", name="Tell us about you")).to_be_visible()
        tab.get_by_role("button", name="Leave").click()
        expect(tab.get_by_text("Details missing")).to_be_visible()
        tab.get_by_role("button", name="Continue with Stripe").click()
        tab.get_by_role("button", name="Submit").click()
        expect(tab.get_by_text("Ready")).to_be_visible()
        tab.get_by_role("button", name=f"Pay out ${payable}").click()

        expect(tab.get_by_role("region", name="Table of payouts").get_by_text("Sent")).to_be_visible(timeout=30_000)
        assert figure(tab, "[data-payable]") == 0
        (transfer,) = double.store.all("transfer")
        assert Decimal(transfer["amount"]) / 100 == payable

        tab.goto(f"/provider/{slug}/earnings")
        statement = rows_of(tab, "Table of the statement")
        assert (statement[0][2], statement[0][3]) == ("Payout through Stripe", f"{MINUS}{payable:.6f}")
        assert figure(tab, "[data-owed]") == sum(
            Decimal(row[3].replace(MINUS, "-").replace(",", "")) for row in statement
        )
        assert errors == []


def test_the_operator_sees_that_all_was_processed_and_balances(people: Visitors, connected: Market) -> None:
    with people.context("operator") as context:
        tab = context.new_page()
        tab.goto("/operator/payments")
        rows = rows_of(tab, "Table of events")
        assert any(row[1].startswith("checkout.session.completed") for row in rows)
        assert any(row[1].startswith("transfer.created") for row in rows)
        assert {row[2] for row in rows} == {"Processed"}
        tab.goto("/operator/ledger")
        tab.get_by_role("button", name="Prove now").click()
        trial_balance = tab.get_by_role("region", name="Trial balance in USD")  # of the last proof
        expect(trial_balance.get_by_text("Payouts in transit")).to_be_visible(timeout=60_000)
        expect(tab.get_by_text("In balance")).to_be_visible()
        entries = {row[0]: row[1:3] for row in rows_of(tab, "Trial balance in USD")}
        assert entries["Payouts in transit"] == ["", ""]
