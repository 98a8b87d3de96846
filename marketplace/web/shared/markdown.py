"""Markdown as safe HTML: no scripts, no styles, no images."""

from itertools import pairwise

import nh3
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from markdown_it import MarkdownIt
from markdown_it.token import Token

_markdown = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])
_tags = nh3.ALLOWED_TAGS - {"img"}
# Wide tables scroll, so they must be reachable by keyboard.
_attributes = {tag: set(names) for tag, names in nh3.ALLOWED_ATTRIBUTES.items()} | {"table": {"tabindex"}}
_with_ids = _attributes | {tag: {"id"} for tag in ("h1", "h2", "h3", "h4", "td")}
LOWEST_HEADING = 6


def render_markdown(text: str, *, top: int = 1) -> SafeString:
    """Sanitised HTML of an untrusted text; its headings start at level `top` and skip no level."""
    tokens = _parse(text)
    used = sorted({token.tag for token in tokens if token.type == "heading_open"})
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(top + used.index(token.tag), LOWEST_HEADING)}"
    html = _markdown.renderer.render(tokens, _markdown.options, {})
    return mark_safe(nh3.clean(html, tags=_tags, attributes=_attributes, link_rel="nofollow noopener"))  # noqa: S308  # just cleaned


def _parse(text: str) -> list[Token]:
    tokens = _markdown.parse(text)
    for token in tokens:
        if token.type == "table_open":
            token.attrSet("tabindex", "0")
    return tokens


def render_documentation(text: str) -> SafeString:
    """HTML of this site's documentation; headings, and table rows that start with code, get ids for links."""
    tokens = _parse(text)
    opens_row = False
    for opening, inline in pairwise(tokens):
        is_code = [child.type for child in inline.children or ()] == ["code_inline"]
        if opening.type == "heading_open" or (opens_row and is_code):
            opening.attrSet("id", slugify(inline.content))
        opens_row = opening.type == "tr_open"
    html = _markdown.renderer.render(tokens, _markdown.options, {})
    clean = nh3.clean(html, tags=_tags, attributes=_with_ids, link_rel="noopener")
    return mark_safe(clean)  # noqa: S308  # just cleaned
