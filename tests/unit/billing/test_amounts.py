"""Amounts of money as people write them and as they are shown."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.core.money import (
    MAX_AMOUNT,
    MICRO,
    NotAnAmount,
    decimal_text,
    format_amount,
    parse_amount,
    parse_ceiling,
)


@pytest.mark.parametrize(
    ("text", "micro"),
    [
        ("0", 0),
        ("0.000001", 1),
        ("0.004", 4_000),
        ("1", 1_000_000),
        (" 12.50 ", 12_500_000),
        ("0012.5", 12_500_000),
        ("0.0040000000", 4_000),
        ("1000000000", MAX_AMOUNT),
    ],
)
def test_an_amount_is_read_to_the_micro_unit(text: str, micro: int):
    assert parse_amount(text) == micro


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not an amount"),
        ("four", "is not an amount"),
        ("1,000", "is not an amount"),
        ("$4", "is not an amount"),
        ("1.2.3", "is not an amount"),
        ("-0.004", "zero or more"),
        ("NaN", "."),
        ("-Infinity", "."),
        ("0.0000001", "at most six decimals"),
        ("1000000000.000001", "at most one billion"),
        ("9" * 40, "at most one billion"),
    ],
)
def test_invalid_amounts_are_refused(text: str, message: str):
    with pytest.raises(NotAnAmount, match=message):
        parse_amount(text)


@pytest.mark.parametrize(
    "text",
    [
        "1e3",
        "1E-6",
        "1_000",
        "１２",
        "1e999999",
        "1e-999999",
        "0.00000000000000000000000000000000000001",
        "1\0",
    ],
)
def test_only_plain_decimals_are_amounts(text: str):
    with pytest.raises(NotAnAmount):
        parse_amount(text)


def test_no_digit_is_rounded_before_validation():
    with pytest.raises(NotAnAmount, match="at most six decimals"):
        parse_amount("1.0000000000000000000000000000000000001")


@given(text=st.text(max_size=30))
@settings(database=None)
def test_any_text_is_an_amount_or_refused(text: str):
    try:
        micro = parse_amount(text)
    except NotAnAmount:
        return
    assert 0 <= micro <= MAX_AMOUNT


@pytest.mark.parametrize(
    ("micro", "currency", "text"),
    [
        (0, "USD", "$0.00"),
        (1, "USD", "$0.000001"),
        (4_000, "USD", "$0.004"),
        (500_000, "EUR", "€0.50"),
        (1_234_567_891_000, "USD", "$1,234,567.891"),
        (-4_000, "GBP", "\N{MINUS SIGN}£0.004"),
        (-1_000_000, "CHF", "\N{MINUS SIGN}CHF\N{NO-BREAK SPACE}1.00"),
        (MAX_AMOUNT, "CHF", "CHF\N{NO-BREAK SPACE}1,000,000,000.00"),
    ],
)
def test_an_amount_is_shown_with_two_to_six_decimals(micro: int, currency: str, text: str):
    assert format_amount(micro, currency) == text


@given(micro=st.integers(0, MAX_AMOUNT))
@settings(database=None)
def test_what_is_shown_reads_back(micro: int):
    assert parse_amount(decimal_text(micro)) == micro
    assert parse_amount(format_amount(micro, "USD").removeprefix("$").replace(",", "")) == micro


@pytest.mark.parametrize(
    ("micro", "text"), [(0, "0.000000"), (4_000, "0.004000"), (-1, "-0.000001"), (-2_500_000, "-2.500000")]
)
def test_machines_get_six_decimals(micro: int, text: str):
    assert decimal_text(micro) == text


def test_a_micro_unit_is_a_millionth():
    assert MICRO == 1_000_000


@pytest.mark.parametrize(
    ("given_", "micro"),
    [
        ("0.004", 4_000),
        (0.004, 4_000),
        (1, 1_000_000),
        (0, 0),
        (1e-06, 1),
        (1e-07, 0),
        (0.1 + 0.2, 300_000),
        ("0.0039999", 3_999),
        ("0." + "9" * 40, 999_999),
        (1e9, MAX_AMOUNT),
    ],
)
def test_a_ceiling_is_read_and_never_rounded_up(given_: object, micro: int):
    assert parse_ceiling(given_) == micro


@pytest.mark.parametrize("given_", [None, True, [], {}, "", "much", "1e-3", -1, -0.5, "-1", 1e300, float("inf"), "NaN"])
def test_invalid_ceilings_are_refused(given_: object):
    with pytest.raises(NotAnAmount):
        parse_ceiling(given_)
