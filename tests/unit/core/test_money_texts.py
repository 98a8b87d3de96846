"""Amounts of money as text and back, to the micro-unit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core.money import LARGEST, MICRO, NotAnAmount, decimal_text, format_amount, parse_amount


@given(st.integers(0, LARGEST))
def test_an_amount_reads_as_it_was_written(micro: int):
    assert parse_amount(decimal_text(micro)) == micro
    assert parse_amount(format_amount(micro, "USD").removeprefix("$").replace(",", "")) == micro


@pytest.mark.parametrize(("text", "micro"), [("0", 0), (" 0.004 ", 4_000), ("1", MICRO), (".5", 500_000), ("2.", 2 * MICRO), ("1000000000", LARGEST), ("0.0000010", 1)])
def test_amounts(text: str, micro: int):
    assert parse_amount(text) == micro


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is not an amount"),
        ("free", "is not an amount"),
        ("1,5", "is not an amount"),
        ("$1", "is not an amount"),
        ("1\0", "is not an amount"),
        ("x" * 10_000, "is not an amount"),
        ("-0.000001", "zero or more"),
        ("nan", "zero or more"),
        ("inf", "zero or more"),
        ("-inf", "zero or more"),
        ("1000000000.000001", "at most one billion"),
        ("9e999999", "at most one billion"),
        ("9" * 5_000, "at most one billion"),
        ("0.0000001", "six decimals"),
        ("1e-999999", "six decimals"),
        ("1.0000000000000000000000000000000000000001", "six decimals"),
    ],
)
def test_what_is_no_amount(text: str, reason: str):
    with pytest.raises(NotAnAmount, match=reason):
        parse_amount(text)


@pytest.mark.parametrize(
    ("micro", "currency", "text"),
    [
        (0, "USD", "$0.00"),
        (4_000, "USD", "$0.004"),
        (1, "EUR", "€0.000001"),
        (-1_500_000, "GBP", "\N{MINUS SIGN}£1.50"),
        (1_234_567_890_000, "USD", "$1,234,567.89"),
        (10_000, "CHF", "0.01 CHF"),
    ],
)
def test_amounts_for_people(micro: int, currency: str, text: str):
    assert format_amount(micro, currency) == text
