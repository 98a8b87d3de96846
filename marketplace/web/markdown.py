"""Markdown as HTML that cannot harm: no scripts, no styles, no foreign images."""

import re
from collections.abc import Sequence
from itertools import pairwise

import nh3
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from markdown_it import MarkdownIt
from markdown_it.token import Token

_markdown = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])
_tags = nh3.ALLOWED_TAGS - {"img"}
_with_ids = {tag: set(names) for tag, names in nh3.ALLOWED_ATTRIBUTES.items()} | {
    heading: {"id"} for heading in ("h1", "h2", "h3", "h4")
}
_OTHER_PAGE = re.compile(r"(?!/|[a-z]+:)(?P<page>[^#]+)\.md(?P<heading>#.*)?")
LOWEST_HEADING = 6


def render_markdown(text: str, *, top: int = 1) -> SafeString:
    """Sanitised HTML of a stranger's text, its headings starting at level `top` and skipping none."""
    tokens = _markdown.parse(text)
    used = sorted({token.tag for token in tokens if token.type == "heading_open"})
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(top + used.index(token.tag), LOWEST_HEADING)}"
    html = _markdown.renderer.render(tokens, _markdown.options, {})
    return mark_safe(nh3.clean(html, tags=_tags, link_rel="nofollow noopener"))  # noqa: S308  # just cleaned


def render_documentation(text: str) -> SafeString:
    """HTML of our own pages: headings can be linked to, and links to other files lead to their pages."""
    tokens = _markdown.parse(text)
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            opening.attrSet("id", slugify(inline.content))
    _lead_to_pages(tokens)
    html = _markdown.renderer.render(tokens, _markdown.options, {})
    clean = nh3.clean(html, tags=_tags, attributes=_with_ids, link_rel="noopener")
    return mark_safe(clean)  # noqa: S308  # just cleaned


def _lead_to_pages(tokens: Sequence[Token]) -> None:
    """`[API](api.md#errors)`, which reads well in a repository, becomes a link to the page `api#errors`."""
    for token in tokens:
        _lead_to_pages(token.children or ())
        href = str(token.attrGet("href") or "")
        if token.type == "link_open" and (match := _OTHER_PAGE.fullmatch(href)):
            token.attrSet("href", match["page"] + (match["heading"] or ""))
