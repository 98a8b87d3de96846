"""Screenshots of the market: of the tour, of every page, and the five of the README.

python -m tests.browser.screenshots [--home HOME [--base-url URL]] [--out FOLDER] [--only NAME ...]

Without a home it starts a new market with Stripe's double and takes the tour first. With the home of a running market
it takes screenshots of that market's pages only.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.browser.pages import SCHEMES, SIZES, Page, Visitors, launch_options, open_page, pages_of
from tests.browser.tour import Tour, market_with_stripe
from tests.support.doubles.stripe import StripeDouble
from tests.support.services import ROOT

# The README's pictures, by the step of the tour that they are of.
README = {
    "05-browse": "models",
    "06-run": "run",
    "11-benchmark-results": "benchmark",
    "13-contract-review": "review",
    "02-publish-checks": "checks",
}
README_FOLDER = ROOT / "marketplace" / "docs" / "pictures"
README_WIDTH = 1_200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="of a running market (default: a fresh one is started)")
    parser.add_argument("--base-url", help="of the running market (default: the one in its demo.json)")
    parser.add_argument("--out", type=Path, default=ROOT / "screenshots", help="default: %(default)s")
    parser.add_argument("--only", nargs="+", metavar="NAME", default=(), help="only these pages")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.home is None:
        of_a_fresh_market(options.out, options.only)
    else:
        of_a_running_market(options.home, options.base_url, options.out, options.only)
    print(f"{len(list(options.out.rglob('*.png')))} pictures in {options.out}")


def of_a_fresh_market(out: Path, only: Sequence[str]) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="bourse") as home,
        StripeDouble() as double,
        market_with_stripe(Path(home), double) as market,
        sync_playwright() as playwright,
        playwright.chromium.launch(**launch_options()) as browser,
    ):
        visitors = Visitors(browser, base_url=market.base_url, demo=market.demo)
        Tour(market, visitors, out / "tour").take()
        for step, name in README.items():
            _for_the_readme(out / "tour" / f"{step}.png", README_FOLDER / f"{name}.webp")
        _every_page(visitors, pages_of(market.demo), out, only)


def of_a_running_market(home: Path, base_url: str | None, out: Path, only: Sequence[str]) -> None:
    credentials = home / "demo.json"
    if not credentials.is_file():
        sys.exit(f"{credentials} is missing: start the market with `make run`, or leave --home out")
    demo = json.loads(credentials.read_text())
    with sync_playwright() as playwright, playwright.chromium.launch(**launch_options()) as browser:
        visitors = Visitors(browser, base_url=base_url or demo["base_url"], demo=demo)
        _every_page(visitors, pages_of(demo), out, only)


def _every_page(visitors: Visitors, pages: Sequence[Page], out: Path, only: Sequence[str]) -> None:
    """Light and dark, wide and narrow, from top to bottom."""
    pages = [page for page in pages if not only or page.name in only]
    for who in dict.fromkeys(page.who for page in pages):
        for scheme in SCHEMES:
            for size in SIZES:
                with visitors.context(who, scheme=scheme, size=size) as context:
                    tab = context.new_page()
                    for page in (page for page in pages if page.who == who):
                        open_page(tab, page)
                        tab.screenshot(path=out / f"{page.name}.{scheme}.{size}.png", full_page=True)


def _for_the_readme(picture: Path, target: Path) -> None:
    """A smaller copy for the repository."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(picture) as opened:
        height = round(opened.height * README_WIDTH / opened.width)
        opened.convert("RGB").resize((README_WIDTH, height), Image.Resampling.LANCZOS).save(
            target, quality=82, method=6
        )


if __name__ == "__main__":
    main()
