"""Formats money, durations, sizes and shares as text, the same on all pages."""

import math
import uuid
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from billing.pricing.domain import PriceTerms, Unit, price_text, quantity_text
from marketplace.core.ids import short
from marketplace.core.money import format_amount

if TYPE_CHECKING:
    from billing.pricing.models import Price

NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"

SCALES = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def money(micro: int | None, currency: str = "USD") -> str:
    """Micro-units as an exact decimal amount with at least two and at most six decimals: ``$0.004``, ``$1,200.00``."""
    return "" if micro is None else format_amount(micro, currency)


def ledger_amount(micro: int | None, currency: str = "") -> str:
    """Micro-units with all six decimals, so that the decimal points of a column align."""
    return "" if micro is None else format_amount(micro, currency, decimals=6)


def price_tick(micro: float, currency: str = "USD") -> str:
    """A round price at the axis of a chart, without trailing zeros: ``$0.0025``, ``$0``."""
    return format_amount(round(micro), currency, decimals=0)


def price(terms: "PriceTerms | Price") -> str:
    """A price with its unit: ``$0.002 a megapixel``."""
    return price_text(terms.amount, terms.currency, Unit(terms.unit))


def unit(name: str) -> str:
    """The singular of a unit: ``megapixel-step``."""
    return Unit(name).singular


def units(name: str) -> str:
    """The plural of a unit: ``megapixel-steps``."""
    return Unit(name).plural


def quantity(parts: int, unit_name: str) -> str:
    """A quantity of the unit of this name: ``1.05 megapixels``."""
    return quantity_text(Unit(unit_name), parts)


def duration(seconds: float | None) -> str:
    """Seconds with a precision that suits their size: ``12 ms``, ``0.45 s``, ``2 min 05 s``, ``3 h 10 min``."""
    if seconds is None:
        return "–"
    if seconds < 0.0995:
        return f"{seconds * 1000:.0f}{NO_BREAK_SPACE}ms"
    if seconds < 10:
        return f"{seconds:.2f}{NO_BREAK_SPACE}s"
    if seconds < 60:
        return f"{seconds:.1f}{NO_BREAK_SPACE}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}{NO_BREAK_SPACE}min {rest:02d}{NO_BREAK_SPACE}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}{NO_BREAK_SPACE}h {minutes:02d}{NO_BREAK_SPACE}min"


def percent(fraction: float | None) -> str:
    """A fraction between 0 and 1 as a percentage; with one decimal between 99 and 100."""
    if fraction is None:
        return "–"
    value = fraction * 100
    # Never rounded up to "100%": a single failure among thousands must stay visible.
    digits = 1 if 99 < value < 100 else 0
    shown = math.floor(value * 10) / 10 if digits else round(value)
    return f"{shown:.{digits}f}%"


def filesize(size: int | None) -> str:
    """Bytes in decimal units: ``12.3 MB``."""
    if size is None:
        return "–"
    if size < 1000:
        return f"{size}{NO_BREAK_SPACE}B"
    value = float(size)
    for unit in ("kB", "MB", "GB", "TB", "PB"):
        value /= 1000
        if value < 999.5 or unit == "PB":
            break
    return f"{value:.{0 if value >= 99.5 else 1}f}{NO_BREAK_SPACE}{unit}"


def _age(seconds: float) -> str:
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        count = int(seconds // size)
        if count:
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"


def ago(moment: datetime | None) -> SafeString:
    """A moment as its age (as its date after 30 days), with the exact time as the title."""
    if moment is None:
        return SafeString("–")
    seconds = (timezone.now() - moment).total_seconds()
    text = _age(seconds) if seconds < 30 * 86_400 else f"{moment.day} {moment:%B %Y}"
    exact = f"{moment:%Y-%m-%d %H:%M:%S %Z}"
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), exact, text)


def short_id(identifier: object) -> str:
    """The first eight characters, as git shows a commit."""
    return str(identifier)[:8]


def call_id(identifier: uuid.UUID) -> str:
    """The id of a call as its buyer knows it."""
    return short(identifier)


def sentence(text: str) -> str:
    """The text with a full stop added if it has no end mark."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def scaled(value: float | None, unit: str = "") -> str:
    """A large number with its decimal prefix: ``3.1 M``, ``12.4 GFLOP``."""
    if value is None:
        return "–"
    for size, prefix in SCALES:
        if value >= size:
            shown = value / size
            return f"{shown:.{0 if shown >= 99.5 else 1}f}{NO_BREAK_SPACE}{prefix}{unit}"
    return f"{value:.0f}{NO_BREAK_SPACE}{unit}".rstrip(NO_BREAK_SPACE)
