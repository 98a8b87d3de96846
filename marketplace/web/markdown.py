"""Markdown of strangers as HTML that cannot harm: no scripts, no styles, no foreign images."""

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

_markdown = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])
_tags = nh3.ALLOWED_TAGS - {"img"}


def render_markdown(text: str) -> SafeString:
    """Sanitised HTML of a card or a page of the documentation."""
    html = _markdown.render(text)
    return mark_safe(nh3.clean(html, tags=_tags, link_rel="nofollow noopener"))  # noqa: S308  # just cleaned
