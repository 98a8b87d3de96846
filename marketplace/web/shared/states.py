"""The display of the domain's states, icons and terms."""

from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

# The word, icon and tone of each state that a page may show; a state without an entry is shown by its name.
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
    "offered": ("Open", "circle-dashed", "plain"),
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
    "top_up_processing": ("Bank processing", "hourglass", "plain"),
    "top_up_paid": ("Paid", "circle-check", "good"),
    "top_up_failed": ("Failed", "octagon-x", "bad"),
    "top_up_expired": ("Expired", "clock", "off"),
    "top_up_review": ("Under review", "triangle-alert", "warn"),
    "payee_onboarding": ("Details missing", "hourglass", "plain"),
    "payee_active": ("Ready", "circle-check", "good"),
    "payee_restricted": ("Restricted", "triangle-alert", "warn"),
    "payout_requested": ("In transit", "hourglass", "plain"),
    "payout_paid": ("Sent", "circle-check", "good"),
    "payout_failed": ("Failed", "octagon-x", "bad"),
    "payout_reversed": ("Reversed", "triangle-alert", "warn"),
    "event_received": ("Waiting", "hourglass", "plain"),
    "event_processed": ("Processed", "circle-check", "good"),
    "event_ignored": ("Ignored", "circle-slash", "off"),
    "event_retrying": ("Retrying", "triangle-alert", "warn"),
    "event_failed": ("Failed", "octagon-x", "bad"),
}

# Plain words for terms of the ledger and for origins of predictions.
WORDS = {
    "settlement": "Prediction",
    "top_up": "Top-up",
    "grant": "Grant",
    "buyer_prepaid": "Prepaid balance",
    "provider_payable": "Owed to the provider",
    "platform_fee": "Platform fees",
    "payout_in_transit": "Payouts in transit",
    "payout": "Payout",
    "payout_paid": "Payout sent",
    "payout_returned": "Payout returned",
    "clearing": "Received through the payment gateway",
    "promotion": "Promotional credit",
    "api": "API",
    "console": "Playground",
    "demo": "Demo",
    "benchmark": "Benchmark",
}


def words(term: str) -> str:
    """A term of the domain in plain words; a term without an entry is shown by its name."""
    return WORDS.get(term, term.replace("_", " ").capitalize())


def icon(name: str, label: str = "") -> SafeString:
    """The named icon of the sprite; hidden from screen readers unless it has a ``label``."""
    source = static("icons.svg")
    if label:
        return format_html(
            '<svg class="icon" role="img" aria-label="{}"><use href="{}#{}"></use></svg>', label, source, name
        )
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>', source, name)


def status(state: str) -> SafeString:
    """A state as a word and an icon, never by colour alone."""
    word, shape, tone = STATES.get(state, (state.replace("_", " ").capitalize(), "circle", "plain"))
    return format_html('<span class="status status-{}">{}{}</span>', tone, icon(shape), word)
