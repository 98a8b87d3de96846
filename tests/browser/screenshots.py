"""Pictures of every page of a running market, light and dark, wide and narrow.

python -m tests.browser.screenshots [--base-url URL] [--home HOME] [--out FOLDER] [--only NAME ...]
"""

import argparse
import json
import os
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.pages import SCHEMES, SIZES, Visitors, launch_options, open_page, pages_of

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    home = Path(os.environ.get("BOURSE_HOME", ROOT / ".bourse"))
    parser.add_argument("--home", type=Path, default=home, help="of the running market (default: %(default)s)")
    parser.add_argument("--base-url", help="default: the one in its demo.json")
    parser.add_argument("--out", type=Path, default=ROOT / "screenshots", help="default: %(default)s")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only these pages")
    options = parser.parse_args()
    credentials = options.home / "demo.json"
    if not credentials.is_file():
        sys.exit(f"{credentials} is missing: start the market with `make run`, or name its home with --home")
    demo = json.loads(credentials.read_text())
    pages = [page for page in pages_of(demo) if not options.only or page.name in options.only]
    options.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, playwright.chromium.launch(**launch_options()) as browser:
        visitors = Visitors(browser, base_url=options.base_url or demo["base_url"], demo=demo)
        for who in dict.fromkeys(page.who for page in pages):
            for scheme in SCHEMES:
                for size in SIZES:
                    with visitors.context(who, scheme=scheme, size=size) as context:
                        tab = context.new_page()
                        for page in (page for page in pages if page.who == who):
                            open_page(tab, page)
                            tab.screenshot(path=options.out / f"{page.name}.{scheme}.{size}.png", full_page=True)
    print(f"{len(pages) * len(SCHEMES) * len(SIZES)} pictures in {options.out}")


if __name__ == "__main__":
    main()
