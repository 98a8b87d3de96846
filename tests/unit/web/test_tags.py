from datetime import UTC, datetime, timedelta

import pytest
from django.template import Context, Template
from django.test import RequestFactory
from django.urls import resolve
from django.utils import timezone

from marketplace.web.shared.drawings import gauge, sparkline, timing_bar
from marketplace.web.shared.figures import ago, duration, filesize, ledger_amount, money, percent, sentence, short_id
from marketplace.web.shared.states import icon, status, words

MINUS, SPACE = "\N{MINUS SIGN}", "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("micro", "currency", "shown"),
    [
        (0, "USD", "$0.00"),
        (1, "USD", "$0.000001"),
        (4_000, "USD", "$0.004"),
        (24_996_000, "USD", "$24.996"),
        (1_200_000_000, "USD", "$1,200.00"),
        (-4_000, "USD", f"{MINUS}$0.004"),
        (10, "EUR", "€0.00001"),
        (2_500_000, "CHF", f"CHF{SPACE}2.50"),
        (None, "USD", ""),
    ],
)
def test_money_is_exact_with_two_to_six_decimals(micro: int | None, currency: str, shown: str) -> None:
    assert money(micro, currency) == shown


@pytest.mark.parametrize(
    ("micro", "shown"),
    [(0, "0.000000"), (-4_000, f"{MINUS}0.004000"), (25_000_000_000, "25,000.000000"), (None, "")],
)
def test_ledger_amount_always_has_six_decimals(micro: int | None, shown: str) -> None:
    assert ledger_amount(micro) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "–"),
        (0, f"0{SPACE}ms"),
        (0.0124, f"12{SPACE}ms"),
        (0.0996, f"0.10{SPACE}s"),
        (0.45, f"0.45{SPACE}s"),
        (12.34, f"12.3{SPACE}s"),
        (125.2, f"2{SPACE}min 05{SPACE}s"),
        (11_400, f"3{SPACE}h 10{SPACE}min"),
    ],
)
def test_duration_is_as_precise_as_its_size_asks(seconds: float | None, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("fraction", "shown"),
    [(None, "–"), (0, "0%"), (0.5, "50%"), (0.985, "98%"), (0.9999, "99.9%"), (1, "100%")],
)
def test_percent_never_rounds_a_failure_away(fraction: float | None, shown: str) -> None:
    assert percent(fraction) == shown


@pytest.mark.parametrize(
    ("size", "shown"),
    [(None, "–"), (999, f"999{SPACE}B"), (1_000, f"1.0{SPACE}kB"), (12_300_000, f"12.3{SPACE}MB")]
    + [(999_600, f"1.0{SPACE}MB"), (250_000_000_000, f"250{SPACE}GB")],
)
def test_filesize_counts_in_decimal_units(size: int | None, shown: str) -> None:
    assert filesize(size) == shown


@pytest.mark.parametrize(
    ("age", "shown"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=1, seconds=5), "1 minute ago"),
        (timedelta(hours=2, minutes=5), "2 hours ago"),
        (timedelta(days=29, hours=1), "29 days ago"),
    ],
)
def test_ago_tells_the_age_and_on_hovering_the_moment(age: timedelta, shown: str) -> None:
    moment = timezone.now() - age
    assert ago(moment) == (
        f'<time datetime="{moment.isoformat()}" title="{moment:%Y-%m-%d %H:%M:%S} UTC">{shown}</time>'
    )


def test_ago_of_an_old_moment_is_its_date() -> None:
    assert ">3 February 2020</time>" in ago(datetime(2020, 2, 3, 4, 5, tzinfo=UTC))


def test_ago_of_nothing_is_a_dash() -> None:
    assert ago(None) == "–"


def test_status_is_a_word_and_a_shape() -> None:
    shown = status("succeeded")
    assert shown.startswith('<span class="status status-good"><svg class="icon" aria-hidden="true">')
    assert shown.endswith('#circle-check"></use></svg>Succeeded</span>')


def test_status_that_is_unknown_is_shown_escaped() -> None:
    assert status("<b>odd_one").endswith("&lt;b&gt;odd one</span>")


def test_icon_with_a_label_is_an_image_with_a_name() -> None:
    assert icon("play", "Run it").startswith('<svg class="icon" role="img" aria-label="Run it">')


@pytest.mark.parametrize(
    ("term", "shown"),
    [("top_up", "Top-up"), ("provider_payable", "Owed to the provider"), ("something_new", "Something new")],
)
def test_words_are_those_of_people(term: str, shown: str) -> None:
    assert words(term) == shown


def test_sentence_ends_once() -> None:
    assert [sentence("It is gone"), sentence("It is gone.")] == ["It is gone."] * 2


def test_short_id_is_eight_characters() -> None:
    assert short_id("5f981683217912345678") == "5f981683"


def test_timing_bar_shares_its_length_by_seconds() -> None:
    # 1000 wide: two gaps of 4 and three least widths of 6 leave 974 to share 1 : 0 : 3.
    assert timing_bar(1.0, 0.0, 3.0) == (
        '<svg class="timing" viewBox="0 0 1000 8" preserveAspectRatio="none" role="img"'
        f' aria-label="queued 1.00{SPACE}s, loading 0{SPACE}ms, running 3.00{SPACE}s">'
        '<rect class="timing-queued" x="0.0" width="249.5" height="8"/>'
        '<rect class="timing-loading" x="253.5" width="6.0" height="8"/>'
        '<rect class="timing-running" x="263.5" width="736.5" height="8"/></svg>'
    )


def test_timing_bar_of_nothing_is_empty() -> None:
    assert timing_bar(None, None, None) == ""
    assert timing_bar(0.0, 0.0, None) == ""


@pytest.mark.parametrize(("used", "width"), [(0, "0.0"), (250, "250.0"), (5_000, "1000.0")])
def test_gauge_is_never_longer_than_the_whole(used: int, width: str) -> None:
    assert f'<rect class="gauge-used" width="{width}" height="8"/>' in gauge(used, 1_000, "Memory")


def test_gauge_without_a_whole_is_empty() -> None:
    assert '<rect class="gauge-used" width="0.0" height="8"/>' in gauge(5, 0, "Memory")


def test_sparkline_scales_from_zero_to_the_maximum() -> None:
    assert 'points="2.0,12.0 94.0,2.0"' in sparkline([1, 2])
    assert sparkline([1]) == ""


def test_current_marks_the_page_that_is_shown() -> None:
    request = RequestFactory().get("/models")
    request.resolver_match = resolve("/models")
    template = Template(
        '{% load bourse %}<a {% current "web:catalogue" "web:model" %}></a><a {% current "web:docs" %}></a>'
    )
    assert template.render(Context({"request": request})) == '<a aria-current="page"></a><a ></a>'
