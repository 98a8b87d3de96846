"""Amounts of money: whole micro-units of a currency (1 USD = 1,000,000), never floats."""

from decimal import Decimal, InvalidOperation

MICRO = 1_000_000
SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£"}
SMALLEST = Decimal(1) / MICRO
LARGEST = 1_000_000_000 * MICRO


class NotAnAmount(ValueError):
    """The text is not an amount of money that can be counted in micro-units."""


def parse_amount(text: str) -> int:
    """Micro-units of a decimal text such as "0.004".

    Raises:
        NotAnAmount: not a plain decimal number, finer than a micro-unit, negative, or above a billion.
    """
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        raise NotAnAmount(f'"{text[:40]}" is not an amount: write it like 0.004') from None
    if not value.is_finite() or value < 0:
        raise NotAnAmount("An amount must be zero or more")
    if value > LARGEST // MICRO:
        raise NotAnAmount("An amount may be at most one billion")
    counted = value.quantize(SMALLEST)
    if counted != value:
        raise NotAnAmount("An amount may have at most six decimals")
    return int(counted * MICRO)


def format_amount(micro: int, currency: str) -> str:
    """Human text of an amount: at least two decimals, at most six, thousands separated, a true minus sign."""
    whole, fraction = divmod(abs(micro), MICRO)
    decimals = f"{fraction:06d}".rstrip("0").ljust(2, "0")
    sign = "\N{MINUS SIGN}" if micro < 0 else ""
    symbol = SYMBOLS.get(currency)
    number = f"{whole:,}.{decimals}"
    return f"{sign}{symbol}{number}" if symbol else f"{sign}{number} {currency}"


def decimal_text(micro: int) -> str:
    """Machine text of an amount, for example "0.004000": always six decimals."""
    whole, fraction = divmod(abs(micro), MICRO)
    return f"{'-' if micro < 0 else ''}{whole}.{fraction:06d}"
