"""What templates need to show figures, times, states and icons in one way everywhere."""

import math
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from billing.pricing.domain import PriceTerms, Unit, price_text, quantity_text
from marketplace.core.money import format_amount

if TYPE_CHECKING:
    from billing.pricing.models import Price

register = template.Library()

NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"

# The word, the shape and the tone of each state that a page may show; a state outside the table is shown as it is.
STATES: dict[str, tuple[str, str, str]] = {
    "starting": ("Starting", "circle-dashed", "plain"),
    "processing": ("Processing", "circle-dot", "plain"),
    "succeeded": ("Succeeded", "circle-check", "good"),
    "failed": ("Failed", "octagon-x", "bad"),
    "canceled": ("Canceled", "circle-slash", "off"),
    "running": ("Running", "circle-dot", "plain"),
    "paused": ("Paused", "hourglass", "warn"),
    "completed": ("Complete", "circle-check", "good"),
    "pending": ("Pending", "hourglass", "plain"),
    "posted": ("Posted", "circle-check", "good"),
    "voided": ("Voided", "circle-slash", "off"),
    "expired": ("Expired", "clock", "off"),
    "authorized": ("Running", "circle-dot", "plain"),
    "observing": ("Under review", "hourglass", "plain"),
    "settled": ("Settled", "circle-check", "good"),
    "not_met": ("Rejected", "circle-slash", "off"),
    "offered": ("Can be signed", "circle-dashed", "plain"),
    "signed": ("Signed", "circle-check", "good"),
    "superseded": ("Superseded", "circle-slash", "off"),
    "withdrawn": ("Withdrawn", "circle-slash", "off"),
    "ended": ("Ended", "circle-slash", "off"),
    "active": ("Active", "circle-check", "good"),
    "revoked": ("Revoked", "ban", "off"),
    "due": ("Waiting", "hourglass", "plain"),
    "warm": ("Warm", "flame", "good"),
    "cold": ("Not loaded", "circle-dashed", "off"),
    "listed": ("Listed", "circle-check", "good"),
    "unlisted": ("Not listed", "circle", "off"),
    "waiting": ("Waiting", "circle-dashed", "off"),
    "passed": ("Passed", "circle-check", "good"),
    "skipped": ("Skipped", "circle-slash", "off"),
    "checking": ("Being checked", "circle-dot", "plain"),
    "refused": ("Refused", "octagon-x", "bad"),
    "ok": ("Up", "circle-check", "good"),
    "late": ("Late", "triangle-alert", "warn"),
    "down": ("Down", "octagon-x", "bad"),
    "top_up_pending": ("Not paid yet", "hourglass", "plain"),
    "top_up_processing": ("With the bank", "hourglass", "plain"),
    "top_up_paid": ("Paid", "circle-check", "good"),
    "top_up_failed": ("Failed", "octagon-x", "bad"),
    "top_up_expired": ("Expired", "clock", "off"),
    "top_up_review": ("Being looked at", "triangle-alert", "warn"),
    "payee_onboarding": ("More is needed", "hourglass", "plain"),
    "payee_active": ("Ready", "circle-check", "good"),
    "payee_restricted": ("Restricted", "triangle-alert", "warn"),
    "payout_requested": ("On its way", "hourglass", "plain"),
    "payout_paid": ("Sent", "circle-check", "good"),
    "payout_failed": ("Failed", "octagon-x", "bad"),
    "payout_reversed": ("Taken back", "triangle-alert", "warn"),
    "event_received": ("Waiting", "hourglass", "plain"),
    "event_processed": ("Processed", "circle-check", "good"),
    "event_ignored": ("Not ours", "circle-slash", "off"),
    "event_retrying": ("Trying again", "triangle-alert", "warn"),
    "event_failed": ("Failed", "octagon-x", "bad"),
}

# What the ledger's own words mean to people.
WORDS = {
    "settlement": "Prediction",
    "top_up": "Top-up",
    "grant": "Grant",
    "buyer_prepaid": "Prepaid balance",
    "provider_payable": "Owed to the provider",
    "platform_fee": "Platform fees",
    "payout_in_transit": "Payouts on their way",
    "payout": "Payout",
    "payout_paid": "Payout sent",
    "payout_returned": "Payout returned",
    "clearing": "Received through the payment gateway",
    "promotion": "Credit given away",
    "api": "API",
    "console": "Playground",
    "demo": "Demo",
    "benchmark": "Benchmark",
}


@register.filter
def words(term: str) -> str:
    """A term of the domain as people say it; one without an entry is shown as it is."""
    return WORDS.get(term, term.replace("_", " ").capitalize())


@register.filter
def sentence(text: str) -> str:
    """The text with the full stop that it may lack."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """The named shape of the sprite; decoration unless it has a ``label`` of its own."""
    source = static("icons.svg")
    if label:
        return format_html(
            '<svg class="icon" role="img" aria-label="{}"><use href="{}#{}"></use></svg>', label, source, name
        )
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>', source, name)


@register.simple_tag
def status(state: str) -> SafeString:
    """A state as a word and a shape, never colour alone."""
    word, shape, tone = STATES.get(state, (state.replace("_", " ").capitalize(), "circle", "plain"))
    return format_html('<span class="status status-{}">{}{}</span>', tone, icon(shape), word)


@register.filter
def money(micro: int | None, currency: str = "USD") -> str:
    """Micro-units as an exact decimal amount with at least two and at most six decimals: ``$0.004``, ``$1,200.00``."""
    return "" if micro is None else format_amount(micro, currency)


@register.filter
def ledger_amount(micro: int | None, currency: str = "") -> str:
    """Micro-units with all six decimals, so that the points of a column stand under each other."""
    return "" if micro is None else format_amount(micro, currency, decimals=6)


@register.filter
def price_tick(micro: float, currency: str = "USD") -> str:
    """A round price at the axis of a chart, without the zeros at its end: ``$0.0025``, ``$0``."""
    return format_amount(round(micro), currency, decimals=0)


@register.filter
def price(terms: "PriceTerms | Price") -> str:
    """A price with what it is for one of: ``$0.002 a megapixel``."""
    return price_text(terms.amount, terms.currency, Unit(terms.unit))


@register.filter
def unit(name: str) -> str:
    """One of a unit, in words: ``megapixel-step``."""
    return Unit(name).singular


@register.filter
def quantity(parts: int, name: str) -> str:
    """A quantity of the unit of this name, in words: ``1.05 megapixels``."""
    return quantity_text(Unit(name), parts)


@register.filter
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


@register.filter
def percent(fraction: float | None) -> str:
    """A fraction between 0 and 1 as a percentage; with a decimal above 99, where it tells most."""
    if fraction is None:
        return "–"
    value = fraction * 100
    # Never rounded up to "100%": a single failure among thousands must stay visible.
    digits = 1 if 99 < value < 100 else 0
    shown = math.floor(value * 10) / 10 if digits else round(value)
    return f"{shown:.{digits}f}%"


@register.filter
def filesize(size: int | None) -> str:
    """Bytes in decimal units, as disks and networks count: ``12.3 MB``."""
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


@register.filter
def ago(moment: datetime | None) -> SafeString:
    """A moment as its age (its date, once older than 30 days), with the exact time on hovering."""
    if moment is None:
        return SafeString("–")
    seconds = (timezone.now() - moment).total_seconds()
    text = _age(seconds) if seconds < 30 * 86_400 else f"{moment.day} {moment:%B %Y}"
    exact = f"{moment:%Y-%m-%d %H:%M:%S %Z}"
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), exact, text)


@register.filter
def short_id(identifier: object) -> str:
    """The first eight characters, as git shows a commit."""
    return str(identifier)[:8]


@register.simple_tag
def sparkline(values: Sequence[float], label: str = "") -> SafeString:
    """A small line through ``values``, scaled from zero to their maximum; nothing where there are fewer than two."""
    if len(values) < 2:
        return SafeString("")
    width, height, margin = 96, 24, 2
    top = max(values) or 1
    step = (width - 2 * margin) / (len(values) - 1)
    points = " ".join(
        f"{margin + index * step:.1f},{height - margin - (height - 2 * margin) * value / top:.1f}"
        for index, value in enumerate(values)
    )
    end_x, end_y = points.rsplit(" ", 1)[1].split(",")
    naming = format_html('role="img" aria-label="{}"', label) if label else SafeString('aria-hidden="true"')
    return format_html(
        '<svg class="sparkline" viewBox="0 0 {} {}" {}>'
        '<polyline points="{}" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linejoin="round"/>'
        '<circle cx="{}" cy="{}" r="2" fill="currentColor"/></svg>',
        width,
        height,
        naming,
        points,
        end_x,
        end_y,
    )


BAR = 1000
GAP = 4
NARROWEST = 6


@register.simple_tag
def timing_bar(queued: float | None, loading: float | None, running: float | None) -> SafeString:
    """Where the seconds of a prediction went, as one bar in three parts; nothing where none was measured."""
    parts = [
        (name, seconds)
        for name, seconds in (("queued", queued), ("loading", loading), ("running", running))
        if seconds is not None
    ]
    total = sum(seconds for _, seconds in parts)
    if total <= 0:
        return SafeString("")
    room = BAR - GAP * (len(parts) - 1) - NARROWEST * len(parts)
    shapes, x = SafeString(""), 0.0
    for name, seconds in parts:
        width = NARROWEST + room * seconds / total
        shapes += format_html(
            '<rect class="timing-{}" x="{}" width="{}" height="8"/>', name, f"{x:.1f}", f"{width:.1f}"
        )
        x += width + GAP
    label = ", ".join(f"{name} {duration(seconds)}" for name, seconds in parts)
    return format_html(
        '<svg class="timing" viewBox="0 0 {} 8" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>',
        BAR,
        label,
        shapes,
    )


@register.simple_tag
def gauge(used: float, total: float, label: str) -> SafeString:
    """How much of a whole is used, as a bar; `label` says the same in words."""
    share = min(max(used / total, 0.0), 1.0) if total > 0 else 0.0
    return format_html(
        '<svg class="gauge" viewBox="0 0 {} 8" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<rect class="gauge-all" width="{}" height="8"/><rect class="gauge-used" width="{}" height="8"/></svg>',
        BAR,
        label,
        BAR,
        f"{share * BAR:.1f}",
    )


@register.simple_tag
def bar(share: float, label: str = "") -> SafeString:
    """A share of the largest of several values, as a bar of a plot; the value stands beside it in words."""
    naming = format_html('role="img" aria-label="{}"', label) if label else SafeString('aria-hidden="true"')
    return format_html(
        '<svg class="gauge" viewBox="0 0 {} 8" preserveAspectRatio="none" {}>'
        '<rect class="gauge-used" width="{}" height="8"/></svg>',
        BAR,
        naming,
        f"{min(max(share, 0.0), 1.0) * BAR:.1f}",
    )


SCALES = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


@register.filter
def scaled(value: float | None, unit: str = "") -> str:
    """A large number with its decimal prefix: ``3.1 M``, ``12.4 GFLOP``."""
    if value is None:
        return "–"
    for size, prefix in SCALES:
        if value >= size:
            shown = value / size
            return f"{shown:.{0 if shown >= 99.5 else 1}f}{NO_BREAK_SPACE}{prefix}{unit}"
    return f"{value:.0f}{NO_BREAK_SPACE}{unit}".rstrip(NO_BREAK_SPACE)


@register.simple_tag(takes_context=True)
def current(context: dict[str, Any], *names: str) -> str:
    """``aria-current="page"`` where the request's URL name is one of ``names``."""
    request = context.get("request")
    match = getattr(request, "resolver_match", None)
    return SafeString('aria-current="page"') if match is not None and match.view_name in names else ""
