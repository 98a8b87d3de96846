"""Rating and the split between provider and platform."""

from fractions import Fraction
from math import floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.payments.domain import CENT, whole_cents
from billing.pricing.domain import BASIS_POINTS, PriceTerms, Unit, platform_fee, rate


def terms(amount: int) -> PriceTerms:
    return PriceTerms(1, "sku", 1, Unit.IMAGE, amount, "USD", "payee", 1_000)


@pytest.mark.parametrize(
    ("amount", "quantity", "total"), [(4_000, 0, 0), (4_000, 1, 4_000), (4_000, 4, 16_000), (0, 9, 0)]
)
def test_a_call_costs_its_units(amount: int, quantity: int, total: int):
    assert rate(terms(amount), quantity=quantity) == total


def test_a_negative_quantity_cannot_be_rated():
    with pytest.raises(ValueError, match="-1"):
        rate(terms(4_000), quantity=-1)


@pytest.mark.parametrize(
    ("amount", "fee_bps", "fee"),
    [(4_000, 1_000, 400), (4, 1_000, 0), (5, 1_000, 1), (14, 1_000, 1), (15, 1_000, 2), (1, 10_000, 1), (9, 0, 0)],
)
def test_the_fee_is_rounded_half_up(amount: int, fee_bps: int, fee: int):
    assert platform_fee(amount, fee_bps=fee_bps) == fee


@settings(database=None)
@given(amount=st.integers(0, 10**16), fee_bps=st.integers(0, BASIS_POINTS))
def test_the_fee_is_the_nearest_whole_part(amount: int, fee_bps: int):
    fee = platform_fee(amount, fee_bps=fee_bps)
    assert 0 <= fee <= amount
    assert fee == floor(Fraction(amount * fee_bps, BASIS_POINTS) + Fraction(1, 2))


@pytest.mark.parametrize(
    ("amount", "cents"), [(0, 0), (CENT - 1, 0), (CENT, 1), (2 * CENT - 1, 1), (12_345_678, 1_234)]
)
def test_what_is_smaller_than_a_cent_is_not_paid_out(amount: int, cents: int):
    assert whole_cents(amount) == cents * CENT
