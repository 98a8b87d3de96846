"""Small SVG drawings beside figures; the same information is also given as text."""

from collections.abc import Sequence

from django.utils.html import format_html
from django.utils.safestring import SafeString

from marketplace.web.shared.figures import duration

BAR = 1000

GAP = 4

NARROWEST = 6


def sparkline(values: Sequence[float], label: str = "") -> SafeString:
    """A small line through ``values``, scaled from zero to their maximum; empty for fewer than two."""
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


def timing_bar(queued: float | None, loading: float | None, running: float | None) -> SafeString:
    """The durations of a prediction's phases, as one bar in three parts; empty if none was measured."""
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


def gauge(used: float, total: float, label: str) -> SafeString:
    """The used share of a total, as a bar; `label` is the same information as text."""
    share = min(max(used / total, 0.0), 1.0) if total > 0 else 0.0
    return format_html(
        '<svg class="gauge" viewBox="0 0 {} 8" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<rect class="gauge-all" width="{}" height="8"/><rect class="gauge-used" width="{}" height="8"/></svg>',
        BAR,
        label,
        BAR,
        f"{share * BAR:.1f}",
    )


def bar(share: float, label: str = "") -> SafeString:
    """A share of the largest of several values, as a bar of a plot; the page shows the value beside it."""
    naming = format_html('role="img" aria-label="{}"', label) if label else SafeString('aria-hidden="true"')
    return format_html(
        '<svg class="gauge" viewBox="0 0 {} 8" preserveAspectRatio="none" {}>'
        '<rect class="gauge-used" width="{}" height="8"/></svg>',
        BAR,
        naming,
        f"{min(max(share, 0.0), 1.0) * BAR:.1f}",
    )
