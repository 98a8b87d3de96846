"""A provider publishes in a real browser: drop a folder, watch its checks, price it, sell it, take it off sale."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect

from tests.browser.pages import Visitors, watch_errors
from tests.support.market import Market
from tests.support.services import wait_until

WEIGHTS = Path(__file__).resolve().parents[2] / "marketplace" / "demo" / "weights" / "workhorse"
NAME = "browser-icons"
CHECKS_MS = 180_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's smaller model as a folder of its own."""
    folder = tmp_path_factory.mktemp("publish") / "browser-icons"
    shutil.copytree(WEIGHTS, folder)
    return folder


def choose(tab: Tab, provider: str, folder: Path, *, model: str = "") -> None:
    tab.goto(f"/provider/{provider}/publish" + (f"?model={model}" if model else ""))
    tab.locator("input[data-folder]").set_input_files(str(folder))


def step(tab: Tab, name: str) -> Any:
    return tab.locator(f"[data-step={name}]")


def call(market: Market, model: str) -> int:
    """The status of a buyer's call. What a name means may be two seconds old."""
    headers = {"Authorization": f"Bearer {market.demo['buyer']['api_key']}"}
    inputs = {"input": {"prompt": "x", "num_inference_steps": 1}}
    return httpx.post(f"{market.base_url}/v1/models/{model}/predictions", headers=headers, json=inputs).status_code


def upload(tab: Tab) -> None:
    tab.get_by_role("button", name="Upload and check").click()
    tab.wait_for_url(re.compile(r"/versions/\d+$"), timeout=60_000)


def test_a_folder_is_published_priced_sold_and_taken_off_sale(market: Market, visitors: Visitors, folder: Path):
    demo: Mapping[str, Any] = market.demo
    provider = demo["provider"]["organization"]
    with visitors.context("provider") as context:
        tab = context.new_page()
        errors = watch_errors(tab)
        choose(tab, provider, folder)
        expect(tab.get_by_label("Name of the model")).to_have_value(NAME)
        count = len([path for path in folder.rglob("*") if path.is_file()])
        expect(tab.locator(".upload-files > li")).to_have_count(count)
        upload(tab)
        for name in ("files", "load", "golden", "profile", "examples"):
            expect(step(tab, name)).to_have_attribute("data-state", "passed", timeout=CHECKS_MS)
        expect(tab.get_by_text("The same digests twice: reproducible")).to_be_visible()
        expect(tab.get_by_role("img", name="a blue heart on a white background")).to_be_visible()
        expect(tab.locator(".batches .gauge")).to_have_count(4)

        tab.get_by_role("link", name="Price it and put it on sale").click()
        expect(tab.get_by_text("set a price first")).to_be_visible()
        tab.get_by_label("Price per unit").fill("0.002")
        preview = tab.locator("#preview tbody tr")
        expect(preview).to_have_count(3)
        assert [cell.strip() for cell in preview.nth(2).locator("td").all_inner_texts()] == [
            "1,000",
            "$2.00",
            "$1.80",
            "$0.20",
        ]
        tab.get_by_role("button", name="Set", exact=True).click()
        tab.get_by_role("button", name="Put on sale version 1").click()
        expect(tab.get_by_text("Version 1 is on sale.")).to_be_visible()
        expect(tab.get_by_text("$0.002")).not_to_have_count(0)

        with visitors.context("buyer") as buying:
            page = buying.new_page()
            page.goto(f"/models?q={NAME}")
            page.get_by_role("link", name=NAME).first.click()
            expect(page.get_by_role("heading", name=NAME)).to_be_visible()
            expect(page.get_by_text("At validation: measured when version 1 was checked, on")).to_be_visible()
            page.goto(f"/{provider}/{NAME}?prompt=a+red+heart&num_inference_steps=2&seed=1")
            page.get_by_role("button", name="Run").click()
            expect(page.get_by_text("Signed receipt")).to_be_visible(timeout=60_000)

        tab.get_by_role("button", name="Take off sale").click()
        expect(tab.get_by_text(f"{NAME} is no longer on sale.")).to_be_visible()
        wait_until(lambda: call(market, f"{provider}/{NAME}") == 404, "callers to be refused", seconds=10)
        assert errors == []


def test_a_refused_version_names_the_file_and_a_corrected_one_passes(
    market: Market, visitors: Visitors, folder: Path, tmp_path: Path
):
    provider = market.demo["others"]["provider"]["organization"]
    damaged = tmp_path / "cut-short"
    shutil.copytree(folder, damaged)
    weights = damaged / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    with visitors.context("other-provider") as context:
        tab = context.new_page()
        choose(tab, provider, damaged)
        upload(tab)
        expect(step(tab, "files")).to_have_attribute("data-state", "failed", timeout=30_000)
        expect(step(tab, "files")).to_contain_text("unet/diffusion_pytorch_model.safetensors: is damaged")
        expect(step(tab, "examples")).to_have_attribute("data-state", "skipped")
        tab.get_by_role("link", name="Publish a corrected folder").click()
        expect(tab.get_by_label("Name of the model")).to_have_value("cut-short")
        tab.locator("input[data-folder]").set_input_files(str(folder))
        upload(tab)
        assert tab.url.endswith("/models/cut-short/versions/2")
        expect(step(tab, "files")).to_have_attribute("data-state", "passed", timeout=30_000)


def test_files_that_cannot_be_published_are_listed_before_the_upload(
    market: Market, visitors: Visitors, folder: Path, tmp_path: Path
):
    provider = market.demo["provider"]["organization"]
    pickled = tmp_path / "pickled"
    shutil.copytree(folder, pickled)
    (pickled / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"\x80\x04")
    with visitors.context("provider") as context:
        tab = context.new_page()
        choose(tab, provider, pickled)
        refused = tab.locator(".upload-files > li").first
        expect(refused).to_contain_text("unet/diffusion_pytorch_model.bin")
        expect(refused).to_contain_text("can run code when it is loaded; publish weights as .safetensors and no code")
        expect(tab.get_by_role("button", name="Upload and check")).to_be_disabled()


def test_a_folder_can_be_dropped(market: Market, visitors: Visitors, folder: Path):
    provider = market.demo["provider"]["organization"]
    with visitors.context("provider") as context:
        tab = context.new_page()
        tab.goto(f"/provider/{provider}/publish")
        place = tab.locator(".dropzone").bounding_box()
        assert place is not None
        devtools = context.new_cdp_session(tab)
        for kind in ("dragEnter", "dragOver", "drop"):
            data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
            at = {"x": place["x"] + 40, "y": place["y"] + 20}
            devtools.send("Input.dispatchDragEvent", {"type": kind, "data": data} | at)
        paths = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        expect(tab.locator(".upload-files > li")).to_have_count(len(paths))
        shown = tab.locator(".upload-files > li > span:first-child").all_inner_texts()
        assert sorted(shown) == paths
        expect(tab.get_by_label("Name of the model")).to_have_value(NAME)
        tab.get_by_role("button", name="Cancel").click()
        expect(tab.locator(".upload-files > li")).to_have_count(0)


@pytest.mark.parametrize("path", ["", "publish", "models", "models/icon-hero", "models/icon-hero/versions/1"])
def test_provider_pages_of_another_organisation_answer_404(market: Market, visitors: Visitors, path: str):
    provider = market.demo["provider"]["organization"]
    for who in ("buyer", "other-provider"):
        with visitors.context(who) as context:
            answer = context.request.get(f"/provider/{provider}/{path}")
            assert answer.status == 404
