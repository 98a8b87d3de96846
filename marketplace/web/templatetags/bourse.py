"""Filters and tags that show figures, times, states and icons consistently: `{% load bourse %}`."""

from collections.abc import Callable
from typing import Any

from django import template
from django.utils.safestring import SafeString

from marketplace.web.shared import drawings, figures, states

register = template.Library()

FILTERS: tuple[Callable[..., str], ...] = (
    figures.money, figures.ledger_amount, figures.price_tick, figures.duration, figures.percent, figures.filesize,
    figures.ago, figures.call_id, figures.short_id, figures.sentence, figures.scaled, figures.price, figures.unit,
    figures.units, figures.quantity, states.words,
)  # fmt: skip
TAGS: tuple[Callable[..., SafeString], ...] = (
    states.icon,
    states.status,
    drawings.sparkline,
    drawings.timing_bar,
    drawings.gauge,
    drawings.bar,
)

for function in FILTERS:
    register.filter(function.__name__, function)
for function in TAGS:
    register.simple_tag(function)


@register.simple_tag(takes_context=True)
def current(context: dict[str, Any], *names: str) -> str:
    """``aria-current="page"`` if the request's URL name is one of ``names``."""
    request = context.get("request")
    match = getattr(request, "resolver_match", None)
    return SafeString('aria-current="page"') if match is not None and match.view_name in names else ""
