import pytest

from marketplace.web.shared.markdown import render_documentation, render_markdown


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "![x](https://elsewhere.example/pixel.png)",
        '<p style="position:fixed">x</p>',
        '<a href="#" onclick="alert(1)">x</a>',
    ],
)
def test_user_markdown_is_sanitised(text: str) -> None:
    html = render_markdown(text)
    for harm in ("<script", 'href="javascript', "<img", "<p style", '<a href="#" onclick'):
        assert harm not in html


def test_headings_start_below_those_of_the_page_and_skip_none() -> None:
    assert render_markdown("# One\n\n### Two\n", top=3) == "<h3>One</h3>\n<h4>Two</h4>\n"


def test_user_links_are_nofollow() -> None:
    assert render_markdown("[a](https://example.com)") == (
        '<p><a href="https://example.com" rel="nofollow noopener">a</a></p>\n'
    )


def test_headings_and_rows_of_the_documentation_can_be_linked_to() -> None:
    html = render_documentation("# All errors\n\n| kind | status |\n|---|---|\n| `not-found` | `404` |\n")
    assert '<h1 id="all-errors">All errors</h1>' in html
    assert '<td id="not-found"><code>not-found</code></td>' in html
    assert "<td><code>404</code></td>" in html
