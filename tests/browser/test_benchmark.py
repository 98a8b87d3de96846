"""A buyer's benchmark in a real browser: prompts, estimate, run, blind votes by keyboard, ranking."""

import csv
import io
import re
import secrets
from collections import Counter
from decimal import Decimal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect

from tests.browser.pages import SIZES, Visitors, wait_until_it_fits, watch_errors
from tests.support.market import Market

PROMPTS = (
    "a red heart on a white background",
    "a gold crown on a purple background",
    "a blue drop on a yellow background",
    "a green leaf on a white background",
    "a pink flower on a teal background",
    "a yellow star on a red background",
)
RUN_TIMEOUT_MS = 180_000
REFUSED_FILE = "Failed to load resource: the server responded with a status of 422 (Unprocessable Entity)"


@pytest.fixture
def tab(visitors: Visitors):  # type: ignore[no-untyped-def]
    """A tab of the demo buyer; any console error except for the refused file fails the test."""
    with visitors.context("buyer") as context:
        tab = context.new_page()
        errors = watch_errors(tab)
        yield tab
        assert errors == [REFUSED_FILE]


def check(tab: Tab) -> None:
    """Accessible by axe's rules, and no wider than a phone."""
    for width, height in (SIZES["wide"], SIZES["narrow"]):
        tab.set_viewport_size({"width": width, "height": height})
        found = Axe().run(tab)
        assert found.violations_count == 0, found.generate_report()
        wait_until_it_fits(tab)
    width, height = SIZES["wide"]
    tab.set_viewport_size({"width": width, "height": height})


def make_prompt_set(tab: Tab, market: Market) -> str:
    """Upload an unusable file, then the prompts. Returns the set's name."""
    name = f"Icons {secrets.token_hex(3)}"
    tab.goto(f"/console/{market.demo['buyer']['organization']}/prompt-sets/new?next=benchmark")
    tab.get_by_label("Name").fill(name)
    bad = {"name": "p.csv", "mimeType": "text/csv", "buffer": b"text\na heart\n"}
    tab.get_by_label("Or a CSV file").set_input_files(files=[bad])
    tab.get_by_role("button", name="Save prompt set").click()
    expect(tab.get_by_text("Line 1: no column is called “prompt”")).to_be_visible()
    expect(tab.get_by_label("Name")).to_have_value(name)
    file = io.StringIO()
    csv.writer(file).writerows([("prompt", "seed"), *((prompt, seed) for seed, prompt in enumerate(PROMPTS, start=1))])
    good = {"name": "p.csv", "mimeType": "text/csv", "buffer": file.getvalue().encode("utf-8-sig")}
    tab.get_by_label("Or a CSV file").set_input_files(files=[good])
    tab.get_by_role("button", name="Save prompt set").click()
    tab.wait_for_url("**/benchmarks/new?*")
    return name


def vote_on_all(tab: Tab, models: list[str]) -> None:
    """Press keys until no pair is left; check that the page never names a model."""
    expect(tab.get_by_text(re.compile(r"^0 of 6$"))).to_be_visible()
    for number, key in enumerate(("ArrowLeft", "ArrowRight", "t", "b", "s", "ArrowDown")):
        expect(tab.get_by_role("status").filter(has_text=f"{number} of 6")).to_be_visible()
        pictures = tab.locator(".duel img")
        for picture in pictures.all():
            assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
        content = tab.content()
        for model in models:
            assert model not in content
        if number == 1:  # undo the first vote, and repeat it with a reason
            tab.keyboard.press("u")
            expect(tab.get_by_role("status").filter(has_text="0 of 6")).to_be_visible()
            tab.keyboard.press("r")
            tab.keyboard.type("=cleaner t b s")
            tab.keyboard.press("Enter")
            tab.keyboard.press("ArrowLeft")
            expect(tab.get_by_role("status").filter(has_text="1 of 6")).to_be_visible()
        if number == 3:
            check(tab)
        tab.keyboard.press(key)
    expect(tab.get_by_role("heading", name="All pairs are done")).to_be_visible()


@pytest.mark.slow
def test_team_benchmarks_models_on_its_own_prompts(tab: Tab, visitors: Visitors, market: Market) -> None:
    models, organization = market.demo["models"][:2], market.demo["buyer"]["organization"]
    prompts = make_prompt_set(tab, market)

    # From a model's page, which is chosen then; the estimate follows what is chosen.
    tab.goto(f"/{models[0]}")
    tab.get_by_role("link", name="Benchmark on your prompts").click()
    expect(tab.get_by_label(models[0])).to_be_checked()
    tab.get_by_label("Name").fill("Icons for the shop")
    tab.get_by_label("Prompt set").select_option(label=f"{prompts} (6 prompts)")
    expect(tab.locator("[data-estimate]")).to_have_count(0)
    tab.get_by_label(models[1]).check()
    expect(tab.locator("[data-estimate]")).to_be_visible()
    amount = Decimal(tab.locator("[data-estimate]").inner_text().lstrip("$"))
    assert amount > 0
    check(tab)
    tab.get_by_role("button", name="Start for").click()

    # It runs by itself, and the page follows.
    tab.wait_for_url(re.compile(r"/benchmarks/[0-9a-v]{26}$"))
    page = tab.url
    expect(tab.get_by_text("12 of 12 pictures")).to_have_count(0)
    expect(tab.get_by_role("link", name="Start voting")).to_be_visible(timeout=RUN_TIMEOUT_MS)
    expect(tab.locator("#progress")).to_have_count(0, timeout=RUN_TIMEOUT_MS)
    check(tab)
    for file in ("results.csv", "votes.csv"):
        assert tab.request.get(f"{page}/{file}").status == 403  # they would name the models

    tab.get_by_role("link", name="Start voting").click()
    vote_on_all(tab, models)
    tab.get_by_role("button", name="See the results").click()
    tab.wait_for_url(page)

    # Five votes are not enough, and the page says so; the cost equals the estimate.
    expect(tab.get_by_text("are not distinguishable")).to_be_visible()
    expect(tab.get_by_text("Votes on 5 prompts are not enough: at least 6 are needed.")).to_be_visible()
    table = tab.get_by_role("region", name="Table of the ranking")
    assert [row.locator("td").first.inner_text() for row in table.locator("tbody tr").all()] == ["1", "1"]
    charged = tab.get_by_role("region", name="Table of seconds and money").locator("tbody tr td:last-child").all()
    assert sum(Decimal(cell.inner_text().lstrip("$")) for cell in charged) == amount
    expect(tab.locator("#pictures ~ ol img")).to_have_count(12)
    check(tab)

    results = list(csv.DictReader(io.StringIO(tab.request.get(f"{page}/results.csv").text())))
    assert sorted(row["model"] for row in results) == sorted(models)
    votes = list(csv.DictReader(io.StringIO(tab.request.get(f"{page}/votes.csv").text())))
    assert [row["reason"] for row in votes] == ["'=cleaner t b s", "", "", "", ""]
    counts = Counter("won" if row["choice"] in ("first", "second") else row["choice"] for row in votes)
    assert counts == {"won": 2, "tie": 2, "both_bad": 1}

    # After a reveal the person cannot vote; other organisations get 404.
    tab.goto(f"{page}/vote")
    tab.wait_for_url(page)
    other = market.demo["others"]["buyer"]["organization"]
    for address in (page, f"{page}/vote", f"{page}/results.csv"):
        assert tab.request.get(address.replace(f"/console/{organization}/", f"/console/{other}/")).status == 404
