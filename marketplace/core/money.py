"""Amounts of money: whole micro-units of a currency (1 USD = 1,000,000), never floats."""

import re
from decimal import ROUND_FLOOR, Decimal

MICRO = 1_000_000
SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£"}
MICRO_UNIT = Decimal(1) / MICRO
PLAIN_DECIMAL = re.compile(r"\d{1,40}(\.\d{0,40})?|\.\d{1,40}", re.ASCII)
MAX_AMOUNT = 1_000_000_000 * MICRO


class NotAnAmount(ValueError):
    """The text is not an amount of money that can be counted in micro-units."""


def parse_amount(text: str) -> int:
    """Micro-units of a decimal text such as "0.004".

    Raises:
        NotAnAmount: not a plain decimal number, finer than a micro-unit, negative, or above a billion.
    """
    value = _decimal(text)
    counted = value.quantize(MICRO_UNIT)
    if counted != value:
        raise NotAnAmount("An amount may have at most six decimals")
    return int(counted * MICRO)


def parse_ceiling(given: object) -> int:
    """Micro-units of a caller's maximum price: a decimal text such as "0.004", or a JSON number.

    It is rounded down to micro-units, which changes nothing, because prices are whole micro-units.

    Raises:
        NotAnAmount: not a plain decimal number, negative, or above a billion.
    """
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise NotAnAmount("must be an amount such as 0.004, as a number or a text")
    text = given if isinstance(given, str) else format(Decimal(str(given)), "f")
    return int(_decimal(text).quantize(MICRO_UNIT, rounding=ROUND_FLOOR) * MICRO)


def _decimal(text: str) -> Decimal:
    text = text.strip()
    if not PLAIN_DECIMAL.fullmatch(text):
        if text.startswith("-"):
            raise NotAnAmount("An amount must be zero or more")
        raise NotAnAmount(f'"{text[:40]}" is not an amount: write it like 0.004')
    value = Decimal(text)
    if value > MAX_AMOUNT // MICRO:
        raise NotAnAmount("An amount may be at most one billion")
    return value


def format_amount(micro: int, currency: str, *, decimals: int = 2) -> str:
    """Text of an amount for people: exact, thousands separated, a typographic minus sign. Only this writes one.

    Args:
        currency: its code; empty for the number alone, in a column that names the currency.
        decimals: at least so many are written, and at most six.
    """
    whole, fraction = divmod(abs(micro), MICRO)
    behind = f"{fraction:06d}".rstrip("0").ljust(decimals, "0")
    sign = "\N{MINUS SIGN}" if micro < 0 else ""
    symbol = SYMBOLS.get(currency, f"{currency}\N{NO-BREAK SPACE}" if currency else "")
    return f"{sign}{symbol}{whole:,}{'.' if behind else ''}{behind}"


def decimal_text(micro: int) -> str:
    """Text of an amount for machines, for example "0.004000": always six decimals."""
    whole, fraction = divmod(abs(micro), MICRO)
    return f"{'-' if micro < 0 else ''}{whole}.{fraction:06d}"
