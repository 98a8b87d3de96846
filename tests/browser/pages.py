"""Every page of the market: its path, its visitor, and the links to it."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, BrowserContext
from playwright.sync_api import Page as Tab

from tests.support.services import wait_until

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SCHEMES = ("light", "dark")
SIZES = {"wide": (1440, 900), "narrow": (390, 844)}


@dataclass(frozen=True)
class Page:
    """A page: `path` as `who` (a party of demo.json, None: signed out); `then` are links to follow from it, in turn."""

    name: str
    path: str
    who: str | None = None
    then: str | tuple[str, ...] = ()


def pages_of(demo: Mapping[str, Any]) -> list[Page]:
    """All pages of the demo market."""
    buyer, provider = demo["buyer"]["organization"], demo["provider"]["organization"]
    model = demo["models"][0]
    return [
        Page("home", "/"),
        Page("models", "/models"),
        Page("models-none", "/models?q=zeppelin"),
        Page("model", f"/{model}"),
        Page("model-buyer", f"/{model}", "buyer"),
        Page("docs", "/docs/"),
        Page("docs-errors", "/docs/errors"),
        Page("not-found", "/nobody/nothing"),
        Page("sign-in", "/accounts/login/"),
        Page("sign-up", "/accounts/signup/"),
        Page("password-reset", "/accounts/password/reset/"),
        Page("email", "/accounts/email/", "buyer"),
        Page("new-organization", "/console/new", "buyer"),
        Page("predictions", f"/console/{buyer}/predictions", "buyer"),
        Page("prediction", f"/console/{buyer}/predictions", "buyer", then=".runs a"),
        Page("aliases", f"/console/{buyer}/aliases", "buyer"),
        Page("benchmarks", f"/console/{buyer}/benchmarks", "buyer"),
        Page("new-benchmark", f"/console/{buyer}/benchmarks/new", "buyer"),
        Page("prompt-sets", f"/console/{buyer}/prompt-sets", "buyer"),
        Page("new-prompt-set", f"/console/{buyer}/prompt-sets/new", "buyer"),
        Page("keys", f"/console/{buyer}/keys", "buyer"),
        Page("balance", f"/console/{buyer}/balance", "buyer"),
        Page("transaction", f"/console/{buyer}/balance", "buyer", then=".ledger a"),
        Page("top-up", f"/console/{buyer}/balance", "buyer", then="[href*='/top-ups/']"),
        Page("contracts", f"/console/{buyer}/contracts", "buyer"),
        Page("contract", f"/console/{buyer}/contracts", "buyer", then=".ledger a"),
        Page("contract-review", f"/console/{buyer}/contracts", "buyer", then=(".ledger a", "a[href$='/review']")),
        Page("members", f"/console/{buyer}/members", "buyer"),
        Page("provider-models", f"/provider/{provider}/models", "provider"),
        Page("provider-publish", f"/provider/{provider}/publish", "provider"),
        Page("provider-model", f"/provider/{provider}/models/{model.split('/')[1]}", "provider"),
        Page("provider-version", f"/provider/{provider}/models/{model.split('/')[1]}/versions/1", "provider"),
        Page("provider-earnings", f"/provider/{provider}/earnings", "provider"),
        Page("provider-transaction", f"/provider/{provider}/earnings", "provider", then=".ledger a"),
        Page("provider-payouts", f"/provider/{provider}/payouts", "provider"),
        Page("provider-contracts", f"/provider/{provider}/contracts", "provider"),
        Page("provider-contract", f"/provider/{provider}/contracts", "provider", then=".ledger a"),
        Page("provider-offer", f"/provider/{provider}/contracts", "provider", then="#offers + div .ledger a"),
        Page("provider-new-offer", f"/provider/{provider}/contracts/new", "provider"),
        Page("provider-members", f"/provider/{provider}/members", "provider"),
        Page("operator-health", "/operator/", "operator"),
        Page("operator-inbox", "/operator/inbox", "operator"),
        Page("operator-ledger", "/operator/ledger", "operator"),
        Page("operator-organizations", "/operator/organizations", "operator"),
        Page("operator-organization", f"/operator/organizations?q={buyer}", "operator", then=".ledger a"),
        Page("operator-people", "/operator/people", "operator"),
        Page("operator-person", "/operator/people", "operator", then=".ledger a"),
        Page("operator-models", "/operator/models", "operator"),
        Page("operator-model", f"/operator/models?q={model}", "operator", then=".ledger a"),
        Page("operator-calls", "/operator/calls", "operator"),
        Page("operator-call", "/operator/calls", "operator", then=".ledger a"),
        Page("operator-payments", "/operator/payments", "operator"),
    ]


def launch_options() -> dict[str, Any]:
    """The machine's Chromium, else Playwright's; without its sandbox, which root cannot use."""
    path = next((found for name in CHROMIUMS if (found := shutil.which(name))), None)
    return {"args": ["--no-sandbox"]} | ({"executable_path": path} if path else {})


def sign_in(tab: Tab, base_url: str, party: Mapping[str, str]) -> None:
    tab.goto(f"{base_url}/accounts/login/")
    tab.get_by_label("Email").fill(party["email"])
    tab.get_by_label("Password").fill(party["password"])
    tab.get_by_role("button", name="Sign in").click()
    tab.wait_for_url(lambda url: "/accounts/login" not in url)


class Visitors:
    """Signed-in browser contexts, each party signing in once.

    Args:
        base_url: of the market.
        demo: its demo.json.
    """

    def __init__(self, browser: Browser, *, base_url: str, demo: Mapping[str, Any]) -> None:
        self._browser, self._base_url, self._demo = browser, base_url, demo
        self._states: dict[str, Any] = {}

    def context(self, who: str | None, *, scheme: str = "light", size: str = "wide") -> BrowserContext:
        """A fresh context of a party (`other-buyer` is that of `others`), in a colour scheme and size."""
        width, height = SIZES[size]
        state = self._state(who) if who else None
        return self._browser.new_context(
            base_url=self._base_url,
            color_scheme=scheme,  # type: ignore[arg-type]  # one of SCHEMES
            viewport={"width": width, "height": height},
            storage_state=state,
            reduced_motion="reduce",
        )

    def _state(self, who: str) -> Any:
        if who not in self._states:
            with self._browser.new_context() as context:
                tab = context.new_page()
                own = who.removeprefix("other-")
                sign_in(tab, self._base_url, self._demo[who] if own == who else self._demo["others"][own])
                self._states[who] = context.storage_state()
        return self._states[who]


def open_page(tab: Tab, page: Page) -> None:
    """Go to a page and wait until it is loaded completely, lazy images included."""
    tab.goto(page.path)
    for link in (page.then,) if isinstance(page.then, str) else page.then:
        tab.locator(link).first.click()
        tab.wait_for_load_state()
    settle(tab)


def settle(tab: Tab) -> None:
    """Wait until the page is loaded completely, lazy images included."""
    tab.evaluate("document.querySelectorAll('img[loading=lazy]').forEach(image => image.loading = 'eager')")
    tab.evaluate("Promise.all([...document.images].map(image => image.decode().catch(() => 0)))")
    tab.evaluate("document.fonts.ready.then(() => 0)")


def wait_until_it_fits(tab: Tab) -> None:
    """Wait until nothing overflows on the right; a page that was just narrowed may need a moment."""
    fits = "document.documentElement.scrollWidth <= window.innerWidth"
    wait_until(lambda: tab.evaluate(fits), "the page's width", seconds=5)


def watch_errors(tab: Tab) -> list[str]:
    """A list that collects the errors and warnings of the page's console and scripts."""
    errors: list[str] = []
    tab.on("console", lambda message: errors.append(message.text) if message.type in ("error", "warning") else None)
    tab.on("pageerror", lambda error: errors.append(str(error)))
    return errors
