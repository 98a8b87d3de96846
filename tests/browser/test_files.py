"""The playground's field for pictures, and the results of tasks that take one."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, expect
from playwright.sync_api import Page as Tab

from tests.browser.pages import SIZES, Visitors, wait_until_it_fits, watch_errors
from tests.support.market import Market
from tests.support.pictures import data_uri, picture, turned

REFUSED = "Failed to load resource: the server responded with a status of 422"  # the browser's own note of a refusal
RUN_TIMEOUT_MS = 60_000


@pytest.fixture
def tab(visitors: Visitors) -> Iterator[Tab]:
    with visitors.context("buyer") as context:
        tab = context.new_page()
        errors = watch_errors(tab)
        yield tab
        assert [error for error in errors if not error.startswith(REFUSED)] == []


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cat.png"
    path.write_bytes(picture(96, 80))
    return path


def run(tab: Tab) -> None:
    tab.get_by_role("button", name="Run").click()
    expect(tab.get_by_text("Charged", exact=True)).to_be_visible(timeout=RUN_TIMEOUT_MS)


def size_of(image: Locator) -> tuple[int, int]:
    """Pixels of a loaded picture, (0, 0) if it cannot be shown."""
    return tuple(image.evaluate("i => i.decode().catch(() => 0).then(() => [i.naturalWidth, i.naturalHeight])"))


@pytest.mark.slow
def test_a_picture_is_chosen_previewed_run_and_shown_beside_its_result(
    tab: Tab, market: Market, picture_models: Mapping[str, str], file: Path
) -> None:
    tab.goto(f"/{picture_models['super-resolution']}")
    tab.set_input_files("input[type=file]", file)
    expect(tab.get_by_text("cat.png, 96 × 80")).to_be_visible()
    assert size_of(tab.get_by_alt_text("The chosen picture")) == (96, 80)
    expect(tab.locator("#code-python")).to_contain_text('"image": open("image.png", "rb")')
    run(tab)
    assert size_of(tab.get_by_alt_text("The picture that the model was given")) == (96, 80)
    assert size_of(tab.locator("[data-stage] .checker img")) == (192, 160)
    assert Axe().run(tab).violations_count == 0

    # The URL has the picture, so that a reload restores the form.
    tab.reload()
    assert size_of(tab.get_by_alt_text("The chosen picture")) == (96, 80)

    # The prediction's page shows both, and leads back into a filled form.
    run(tab)
    tab.get_by_role("link", name="Open this prediction").click()
    expect(tab.get_by_role("heading", name="Receipt")).to_be_visible()
    given = tab.get_by_alt_text("The picture that the model was given")
    assert [size_of(one) for one in given.all()] == [(96, 80)] * 2
    assert Axe().run(tab).violations_count == 0
    tab.get_by_role("link", name="Run again with these inputs").click()
    assert size_of(tab.get_by_alt_text("The chosen picture")) == (96, 80)
    run(tab)


@pytest.mark.slow
def test_a_score_is_shown_large(tab: Tab, market: Market, picture_models: Mapping[str, str], file: Path) -> None:
    tab.goto(f"/{picture_models['scoring']}")
    expect(tab.get_by_text("The result appears here.")).to_be_visible()
    tab.set_input_files("input[type=file]", file)
    expect(tab.get_by_text("cat.png, 96 × 80")).to_be_visible()
    tab.get_by_label("Prompt", exact=True).fill("a star")
    run(tab)
    figure = tab.locator(".values dd")
    expect(figure).to_have_text(re.compile(r"-?0\.\d{1,4}"))
    assert figure.evaluate("f => parseFloat(getComputedStyle(f).fontSize)") >= 48
    score = figure.inner_text()
    tab.set_viewport_size({"width": SIZES["narrow"][0], "height": SIZES["narrow"][1]})
    wait_until_it_fits(tab)
    assert Axe().run(tab).violations_count == 0
    tab.get_by_role("link", name="Open this prediction").click()
    expect(tab.locator(".values dd")).to_have_text(score)
    assert Axe().run(tab).violations_count == 0
    tab.goto(f"/console/{market.demo['buyer']['organization']}/predictions")
    expect(tab.locator(".runs li").first.locator(".run-picture")).to_have_text(f"{float(score):.2f}")


@pytest.mark.slow
def test_a_file_that_is_not_a_picture_shows_an_error_and_can_be_replaced(
    tab: Tab, picture_models: Mapping[str, str], file: Path, tmp_path: Path
) -> None:
    tab.goto(f"/{picture_models['matting']}")
    tab.get_by_role("button", name="Run").click()
    expect(tab.locator('[data-error-for="image"]')).to_have_text("Image is required")
    expect(tab.get_by_label("Image", exact=True)).to_be_focused()  # keyboard users continue at the error
    text = tmp_path / "notes.txt"
    text.write_text("no picture")
    tab.set_input_files("input[type=file]", text)
    expect(tab.get_by_role("alert").filter(has_text="“notes.txt” is no PNG, JPEG or WebP picture.")).to_be_visible()
    fake = tmp_path / "fake.png"
    fake.write_bytes(b"no picture either")
    with tab.expect_response("**/v1/uploads/**"):
        tab.set_input_files("input[type=file]", fake)
    expect(tab.get_by_text("“fake.png” is no PNG, JPEG or WebP picture, or is damaged")).to_be_visible()
    expect(tab.get_by_alt_text("The chosen picture")).to_be_hidden()
    tab.set_input_files("input[type=file]", file)
    expect(tab.get_by_alt_text("The chosen picture")).to_be_visible()
    expect(tab.get_by_text("is no PNG")).to_be_hidden()
    expect(tab.locator('[data-error-for="image"]')).to_be_hidden()
    tab.get_by_role("button", name="Remove the picture").click()
    expect(tab.get_by_alt_text("The chosen picture")).to_be_hidden()
    expect(tab.get_by_label("Image", exact=True)).to_be_focused()
    expect(tab).to_have_url(re.compile(r"tiny-matting$"))


@pytest.mark.slow
def test_a_picture_can_be_dropped(tab: Tab, picture_models: Mapping[str, str]) -> None:
    tab.goto(f"/{picture_models['matting']}")
    transfer = tab.evaluate_handle(
        """(uri) => {
            const bytes = Uint8Array.from(atob(uri.split(",")[1]), (character) => character.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], "turned.jpg", { type: "image/jpeg" }));
            return transfer;
        }""",
        data_uri(turned(40, 30)),
    )
    tab.locator(".dropzone").dispatch_event("dragover", {"dataTransfer": transfer})
    expect(tab.locator(".dropzone")).to_have_class(re.compile("is-over"))
    tab.locator(".dropzone").dispatch_event("drop", {"dataTransfer": transfer})
    expect(tab.get_by_text("turned.jpg, 30 × 40")).to_be_visible()
    expect(tab.locator(".dropzone")).not_to_have_class(re.compile("is-over"))


@pytest.mark.slow
def test_a_visitor_is_asked_to_sign_in(visitors: Visitors, picture_models: Mapping[str, str]) -> None:
    with visitors.context(None) as context:
        tab = context.new_page()
        errors = watch_errors(tab)
        tab.goto(f"/{picture_models['matting']}")
        expect(tab.get_by_text("Sign in as a buyer to upload a picture.")).to_be_visible()
        assert tab.locator("input[type=file]").count() == 0
        assert Axe().run(tab).violations_count == 0
        tab.goto("/models?task=matting")
        expect(tab.locator(f"a[href='/{picture_models['matting']}']").first).to_be_visible()
        assert errors == []
