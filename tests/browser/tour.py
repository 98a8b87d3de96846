"""The tour: every feature of the market once, in a real browser and with stock clients, with a screenshot of each step.

Publish in the browser and with `hf`, price and list, browse and call, move an alias, benchmark, agree on an outcome
contract and review, top up and be paid out. It needs a market that takes the double for Stripe (`market_with_stripe`).
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import openai
import pytest
from playwright.sync_api import BrowserContext, expect
from playwright.sync_api import Page as Tab
from replicate.client import Client
from replicate.exceptions import ReplicateError

from tests.browser.pages import Visitors, settle, watch_errors
from tests.support.doubles.stripe import StripeDouble
from tests.support.market import Market, start_market
from tests.support.services import OUTSIDE, ROOT

WEIGHTS = ROOT / "marketplace" / "demo" / "weights"
SECRET = "whsec_browser"
CHECKS_MS, RUN_MS = 240_000, 240_000
PROMPTS = (
    "a red heart on a white background",
    "a gold crown on a purple background",
    "a blue drop on a yellow background",
    "a green leaf on a white background",
    "a pink flower on a teal background",
    "a yellow star on a red background",
    "two orange gears on a gray background",
    "a striped purple house on a white background",
)


@contextmanager
def market_with_stripe(home: Path, double: StripeDouble, **environment: str) -> Iterator[Market]:
    """A fresh market that takes the double for Stripe, set up as its runbook says."""
    environment |= {
        "STRIPE_SECRET_KEY": "sk_test_browser",
        "STRIPE_WEBHOOK_SECRET": SECRET,
        "STRIPE_API_BASE": double.url,
        "PAYOUT_MINIMUM_CENTS": "1",
    }
    with start_market(home, **environment) as running:
        double.tell(f"{running.base_url}/webhooks/stripe", secret=SECRET)
        inherited = {name: value for name, value in os.environ.items() if name not in OUTSIDE}
        own = inherited | {"DATABASE_NAME": "bourse"} | environment | {"BOURSE_HOME": str(running.home)}
        subprocess.run([sys.executable, "manage.py", "stripe", "setup"], cwd=ROOT, env=own, check=True)
        yield running


@dataclass
class Tour:
    """One run of it.

    Attributes:
        pictures: the folder that the pictures go to, as PNG of the visible part of the page.
    """

    market: Market
    visitors: Visitors
    pictures: Path

    def take(self) -> None:
        """Take all steps, in order."""
        self.pictures.mkdir(parents=True, exist_ok=True)
        self.publish_in_the_browser()
        self.publish_with_hf()
        self.browse_and_run()
        self.call_with_stock_clients()
        self.move_the_alias()
        self.benchmark()
        self.agree_and_review()
        self.top_up()
        self.be_paid_out()

    @property
    def demo(self) -> Mapping[str, object]:
        return self.market.demo

    @property
    def hero(self) -> str:
        return str(self.market.demo["models"][0])

    @property
    def buyer(self) -> str:
        return str(self.market.demo["buyer"]["organization"])

    @property
    def provider(self) -> str:
        return str(self.market.demo["provider"]["organization"])

    @contextmanager
    def tab_of(self, who: str) -> Iterator[Tab]:
        """A tab of a party; any console error ends the tour."""
        context: BrowserContext
        with self.visitors.context(who) as context:
            tab = context.new_page()
            errors = watch_errors(tab)
            yield tab
            assert errors == []

    @contextmanager
    def client(self, headers: Mapping[str, str] | None = None) -> Iterator[Client]:
        """The buyer's stock client, whose connections are closed afterwards, which it has no method for."""
        key = self.market.demo["buyer"]["api_key"]
        client = Client(api_token=key, base_url=self.market.base_url, headers=dict(headers or {}))
        try:
            yield client
        finally:
            client._client.close()

    def picture(self, tab: Tab, name: str) -> None:
        settle(tab)
        tab.screenshot(path=self.pictures / f"{name}.png")

    def publish_in_the_browser(self) -> None:
        folder = self.pictures / "tour-icons"
        shutil.copytree(WEIGHTS / "workhorse", folder, dirs_exist_ok=True)
        with self.tab_of("provider") as tab:
            tab.goto(f"/provider/{self.provider}/publish")
            tab.locator("input[data-folder]").set_input_files(str(folder))
            expect(tab.get_by_label("Name of the model")).to_have_value("tour-icons")
            self.picture(tab, "01-publish-folder")
            tab.get_by_role("button", name="Upload and check").click()
            tab.wait_for_url(re.compile(r"/versions/1$"), timeout=60_000)
            for step in ("files", "load", "golden", "profile", "examples"):
                expect(tab.locator(f"[data-step={step}]")).to_have_attribute("data-state", "passed", timeout=CHECKS_MS)
            self.picture(tab, "02-publish-checks")
            tab.get_by_role("link", name="Price it and put it on sale").click()
            tab.get_by_label("Price per unit").fill("0.002")
            expect(tab.locator("#preview tbody tr")).to_have_count(3)
            self.picture(tab, "03-publish-price")
            tab.get_by_role("button", name="Set", exact=True).click()
            tab.get_by_role("button", name="Put on sale version 1").click()
            expect(tab.get_by_text("Version 1 is on sale.")).to_be_visible()
        shutil.rmtree(folder)

    def publish_with_hf(self) -> None:
        hf = str(Path(sys.executable).parent / "hf")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")} | {
            "HF_ENDPOINT": self.market.base_url,
            "HF_TOKEN": self.market.demo["provider"]["hub_token"],
            "HF_HOME": str(self.pictures / "hf"),
            "HF_HUB_DISABLE_XET": "1",
        }
        name = f"{self.provider}/tour-hub"
        subprocess.run([hf, "upload", name, str(WEIGHTS / "workhorse")], env=environment, check=True, timeout=120)
        target = self.pictures / "hf" / "copy"
        subprocess.run([hf, "download", name, "--local-dir", str(target)], env=environment, check=True, timeout=120)
        weights = "unet/diffusion_pytorch_model.safetensors"
        assert (target / weights).read_bytes() == (WEIGHTS / "workhorse" / weights).read_bytes()
        shutil.rmtree(self.pictures / "hf")
        with self.tab_of("provider") as tab:
            tab.goto(f"/provider/{self.provider}/models/tour-hub/versions/1")
            expect(tab.locator("[data-step=examples]")).to_have_attribute("data-state", "passed", timeout=CHECKS_MS)
            self.picture(tab, "04-publish-with-hf")

    def browse_and_run(self) -> None:
        prompt = "a gold crown on a purple background"
        with self.tab_of("buyer") as tab:
            tab.goto("/models")
            self.picture(tab, "05-browse")
            tab.goto(f"/{self.hero}")
            tab.get_by_label("Prompt", exact=True).fill(prompt)
            tab.get_by_role("button", name="Run").click()
            expect(tab.get_by_text("Signed receipt")).to_be_visible(timeout=RUN_MS)
            tab.evaluate("window.scrollTo(0, 0)")
            self.picture(tab, "06-run")

    def call_with_stock_clients(self) -> None:
        key = self.market.demo["buyer"]["api_key"]
        once = {"Idempotency-Key": "tour-1"}
        inputs = {"prompt": "a red circle on a white background", "seed": 7}
        with self.client(once) as caller:
            first, again = (caller.predictions.create(model=self.hero, input=inputs) for _ in range(2))
            assert first.id == again.id
            first.wait()
            assert first.status == "succeeded"
        with self.client({"Bourse-Max-Price": "0.000001"}) as cheap, pytest.raises(ReplicateError, match="max_price"):
            cheap.run(self.hero, input=inputs)
        with openai.OpenAI(api_key=key, base_url=f"{self.market.base_url}/openai/v1") as client:
            answer = client.images.generate(model=self.hero, prompt="a blue star", n=2, response_format="url")
            assert len(answer.data or []) == 2
        with self.tab_of("buyer") as tab:
            tab.goto(f"/console/{self.buyer}/predictions/{first.id}")
            self.picture(tab, "07-prediction")

    def move_the_alias(self) -> None:
        alias, other = str(self.market.demo["alias"]), str(self.market.demo["models"][1])
        with self.tab_of("buyer") as tab:
            for target, picture in ((other, "08-alias"), (self.hero, "")):
                tab.goto(f"/console/{self.buyer}/aliases")
                row = tab.locator(f"[data-alias='{alias}']")
                row.get_by_label("Move it to").fill(target)
                row.get_by_role("button", name="Move").click()
                expect(row.locator("[data-target]")).to_have_text(target)
                if picture:
                    self.picture(tab, picture)
                    tab.wait_for_timeout(2_100)  # resolved names are cached for two seconds
                    with self.client() as client:
                        made = client.predictions.create(model=alias, input={"prompt": "a leaf", "seed": 1})
                    assert made.model == other

    def benchmark(self) -> None:
        models = [str(model) for model in self.market.demo["models"][:2]]
        with self.tab_of("buyer") as tab:
            tab.goto(f"/console/{self.buyer}/prompt-sets/new?next=benchmark")
            tab.get_by_label("Name").fill("Icons of the shop")
            tab.get_by_label("Prompts, one a line").fill("\n".join(PROMPTS))
            tab.get_by_role("button", name="Save prompt set").click()
            tab.wait_for_url("**/benchmarks/new?*")
            tab.get_by_label("Name").fill("Which model for our icons?")
            for model in models:
                tab.get_by_label(model).check()
            expect(tab.locator("[data-estimate]")).to_be_visible()
            self.picture(tab, "09-benchmark-estimate")
            tab.get_by_role("button", name="Start for").click()
            tab.wait_for_url(re.compile(r"/benchmarks/[0-9a-v]{26}$"))
            page = tab.url
            expect(tab.get_by_role("link", name="Start voting")).to_be_visible(timeout=RUN_MS)
            expect(tab.locator("#progress")).to_have_count(0, timeout=RUN_MS)
            tab.get_by_role("link", name="Start voting").click()
            for number in range(len(PROMPTS)):
                expect(tab.get_by_role("status").filter(has_text=f"{number} of {len(PROMPTS)}")).to_be_visible()
                if number == 1:
                    self.picture(tab, "10-benchmark-vote")
                tab.keyboard.press(self._better(tab))
            tab.get_by_role("button", name="See the results").click()
            tab.wait_for_url(page)
            expect(tab.get_by_role("region", name="Table of the ranking")).to_be_visible()
            self.picture(tab, "11-benchmark-results")

    @staticmethod
    def _better(tab: Tab) -> str:
        """The key for the cleaner picture, as a stand-in for a person's eyes: smooth ones make smaller files."""
        sizes = tab.evaluate(
            "Promise.all([...document.querySelectorAll('.duel img')].map("
            "image => fetch(image.src).then(answer => answer.blob()).then(blob => blob.size)))"
        )
        return "ArrowLeft" if sizes[0] <= sizes[1] else "ArrowRight"

    def agree_and_review(self) -> None:
        with self.tab_of("provider") as tab:
            tab.goto(f"/provider/{self.provider}/contracts/new")
            tab.get_by_label("Buyer").fill(self.buyer)
            tab.get_by_label("Price per accepted picture").fill("0.009")
            tab.get_by_label("Review window, in hours").fill("48")
            tab.get_by_role("button", name="Sign and offer").click()
            expect(tab.get_by_text("waits for the buyer's signature")).to_be_visible()
        with self.tab_of("buyer") as tab:
            tab.goto(f"/console/{self.buyer}/contracts")
            tab.get_by_role("region", name="Table of offers").get_by_role("link").first.click()
            self.picture(tab, "12-contract-offer")
            tab.get_by_role("button", name="Sign for").click()
            contract = tab.locator("[data-contract-id]").inner_text()
            inputs = {"prompt": "a blue star on a yellow background", "num_outputs": 4, "seed": 3}
            with self.client({"Bourse-Contract": contract}) as client:
                prediction = client.predictions.create(model=self.hero, input=inputs)
                prediction.wait()
            assert prediction.status == "succeeded"
            tab.goto(f"/console/{self.buyer}/contracts/{contract}/review")
            expect(tab.locator("[data-left]")).to_have_text("4")
            self.picture(tab, "13-contract-review")
            for left, verdict in enumerate("aara"):
                expect(tab.locator("[data-left]")).to_have_text(str(4 - left))
                tab.keyboard.press(verdict)
            expect(tab.get_by_text("3 accepted for $0.027, 1 rejected.")).to_be_visible()
            tab.goto(f"/console/{self.buyer}/contracts/{contract}")
            expect(tab.locator("[data-charged]")).to_have_text("$0.027")
            self.picture(tab, "14-contract")
            with self.client({"Bourse-Contract": contract}) as client:  # one more, which waits for its reviewer
                client.predictions.create(model=self.hero, input=inputs).wait()

    def top_up(self) -> None:
        with self.tab_of("buyer") as tab:
            tab.goto(f"/console/{self.buyer}/balance")
            before = _figure(tab, "[data-available]")
            tab.get_by_label("Amount in USD").fill("20")
            tab.get_by_role("button", name="Pay").click()
            expect(tab.get_by_role("heading", name="Pay 20.00 USD")).to_be_visible()
            tab.get_by_role("button", name="Pay", exact=True).click()
            tab.wait_for_url(f"**/console/{self.buyer}/balance/top-ups/*")
            expect(tab.get_by_text("It is on your balance")).to_be_visible(timeout=30_000)
            tab.get_by_role("link", name="Back to the balance").click()
            assert _figure(tab, "[data-available]") == before + 20
            self.picture(tab, "15-balance")

    def be_paid_out(self) -> None:
        with self.tab_of("provider") as tab:
            tab.goto(f"/provider/{self.provider}/payouts")
            tab.get_by_role("button", name="Set up").click()
            tab.get_by_role("button", name="Submit").click()
            expect(tab.get_by_text("Ready")).to_be_visible()
            tab.get_by_role("button", name="Pay out").click()
            sent = tab.get_by_role("region", name="Table of payouts").get_by_text("Sent")
            expect(sent).to_be_visible(timeout=30_000)
            self.picture(tab, "16-payout")
            tab.goto(f"/provider/{self.provider}/earnings")
            self.picture(tab, "17-earnings")
        with self.tab_of("operator") as tab:
            tab.goto("/operator/ledger")
            expect(tab.get_by_text("In balance")).to_be_visible()


def _figure(tab: Tab, selector: str) -> Decimal:
    return Decimal(tab.locator(selector).inner_text().lstrip("$").replace(",", ""))
