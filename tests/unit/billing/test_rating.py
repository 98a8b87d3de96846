"""Rating and the split between provider and platform."""

from fractions import Fraction
from math import floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.payments.domain import CENT, whole_cents
from billing.pricing.domain import (
    BASIS_POINTS,
    MAX_RATED,
    PriceTerms,
    Unit,
    platform_fee,
    price_text,
    quantity_text,
    rate,
    rate_calls,
)

UNITS = st.sampled_from(list(Unit))
AMOUNTS = st.integers(0, 10**9)
QUANTITIES = st.integers(0, 10**9)


def terms(amount: int, unit: Unit = Unit.IMAGE) -> PriceTerms:
    return PriceTerms(1, "sku", 1, unit, amount, "USD", "payee", 1_000)


@pytest.mark.parametrize(
    ("amount", "quantity", "total"), [(4_000, 0, 0), (4_000, 1, 4_000), (4_000, 4, 16_000), (0, 9, 0)]
)
def test_a_call_costs_its_units(amount: int, quantity: int, total: int):
    assert rate(terms(amount), quantity=quantity) == total


@pytest.mark.parametrize(
    ("unit", "amount", "quantity", "total"),
    [
        (Unit.MEGAPIXEL, 2_000, 1_000_000, 2_000),
        (Unit.MEGAPIXEL, 2_000, 1024 * 1024, 2_097),  # 2,097.152
        (Unit.MEGAPIXEL, 1, 499_999, 0),
        (Unit.MEGAPIXEL, 1, 500_000, 1),  # half up
        (Unit.MEGAPIXEL_STEP, 100, 30 * 1024 * 1024, 3_146),  # 3,145.728
        (Unit.VIDEO_SECOND, 50_000, 705_600_000 // 24, 2_083),  # a frame at 24 a second: 2,083.33
        (Unit.AUDIO_SECOND, 44_100, 705_600_000 // 44_100, 1),  # a sample of the compact disc
        (Unit.KILOTOKEN, 3_000, 1_500, 4_500),
        (Unit.DEVICE_SECOND, 1_000_000, 250_000, 250_000),
        (Unit.REQUEST, 700, 3, 2_100),
    ],
)
def test_a_quantity_counts_parts_of_its_unit(unit: Unit, amount: int, quantity: int, total: int):
    assert rate(terms(amount, unit), quantity=quantity) == total


def test_a_factor_multiplies_the_price_before_it_is_rounded():
    assert rate(terms(4_000), quantity=1, factor_bps=15_000) == 6_000
    assert rate(terms(1), quantity=3, factor_bps=5_000) == 2  # 1.5, half up
    assert rate(terms(1_000, Unit.MEGAPIXEL), quantity=1_500, factor_bps=2_500) == 0  # 0.375


def test_a_negative_quantity_cannot_be_rated():
    with pytest.raises(ValueError, match="-1"):
        rate(terms(4_000), quantity=-1)
    with pytest.raises(ValueError, match="-5"):
        rate(terms(4_000), quantity=1, factor_bps=-5)


def test_what_no_account_can_hold_is_an_error():
    assert rate(terms(MAX_RATED), quantity=1) == MAX_RATED
    with pytest.raises(ValueError, match="2 images cost more than any account can hold"):
        rate(terms(MAX_RATED), quantity=2)


@settings(database=None)
@given(unit=UNITS, amount=AMOUNTS, quantity=QUANTITIES, factor_bps=st.integers(0, 100_000))
def test_a_charge_is_the_nearest_whole_micro_unit(unit: Unit, amount: int, quantity: int, factor_bps: int):
    exact = Fraction(amount * quantity * factor_bps, unit.parts * BASIS_POINTS)
    assert rate(terms(amount, unit), quantity=quantity, factor_bps=factor_bps) == floor(exact + Fraction(1, 2))


@settings(database=None)
@given(unit=UNITS, amount=AMOUNTS, first=QUANTITIES, second=QUANTITIES)
def test_parts_cost_what_the_whole_costs_but_for_rounding(unit: Unit, amount: int, first: int, second: int):
    price = terms(amount, unit)
    apart = rate(price, quantity=first) + rate(price, quantity=second)
    assert abs(rate(price, quantity=first + second) - apart) <= (0 if unit.parts == 1 else 1)


@settings(database=None)
@given(unit=UNITS, amount=AMOUNTS, quantity=QUANTITIES, more=QUANTITIES)
def test_more_never_costs_less(unit: Unit, amount: int, quantity: int, more: int):
    price = terms(amount, unit)
    assert rate(price, quantity=quantity) <= rate(price, quantity=quantity + more)
    assert rate(price, quantity=quantity) <= rate(terms(amount + more, unit), quantity=quantity)


@settings(database=None)
@given(amount=AMOUNTS, images=st.integers(0, 10_000))
def test_images_are_rated_as_they_always_were(amount: int, images: int):
    assert rate(terms(amount), quantity=images) == amount * images


def test_each_of_several_calls_is_rounded_by_itself():
    price = terms(1, Unit.MEGAPIXEL)
    assert rate_calls(price, quantity=500_000, calls=3) == 3
    assert rate(price, quantity=3 * 500_000) == 2


@pytest.mark.parametrize(
    "rates", [(24, 25, 30, 48, 50, 60, 90, 100, 120), (8_000, 16_000, 22_050, 44_100, 48_000, 96_000)]
)
def test_frames_and_samples_are_whole_parts_of_a_second(rates: tuple[int, ...]):
    assert [Unit.VIDEO_SECOND.parts % rate for rate in rates] == [0] * len(rates)


@pytest.mark.parametrize(
    ("unit", "quantity", "text"),
    [
        (Unit.IMAGE, 0, "0 images"),
        (Unit.IMAGE, 1, "1 image"),
        (Unit.IMAGE, 12_345, "12,345 images"),
        (Unit.MEGAPIXEL, 1_000_000, "1 megapixel"),
        (Unit.MEGAPIXEL, 1024 * 1024, "1.05 megapixels"),
        (Unit.MEGAPIXEL, 999_999, "1 megapixel"),
        (Unit.MEGAPIXEL, 128 * 128, "0.0164 megapixels"),
        (Unit.MEGAPIXEL, 12_345_678, "12.3 megapixels"),
        (Unit.MEGAPIXEL, 99_960_000, "100 megapixels"),
        (Unit.MEGAPIXEL, 1, "0.000001 megapixels"),
        (Unit.MEGAPIXEL_STEP, 20 * 128 * 128, "0.328 megapixel-steps"),
        (Unit.VIDEO_SECOND, 5 * 705_600_000, "5 seconds of video"),
        (Unit.AUDIO_SECOND, 705_600_000, "1 second of sound"),
        (Unit.KILOTOKEN, 1_500, "1.5 thousand tokens"),
        (Unit.DEVICE_SECOND, 2_345_678_901, "2,346 device seconds"),
        (Unit.REQUEST, 1, "1 request"),
    ],
)
def test_a_quantity_is_written_for_people(unit: Unit, quantity: int, text: str):
    assert quantity_text(unit, quantity) == text


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        (Unit.IMAGE, "$0.002 an image"),
        (Unit.MEGAPIXEL, "$0.002 a megapixel"),
        (Unit.MEGAPIXEL_STEP, "$0.002 a megapixel-step"),
        (Unit.VIDEO_SECOND, "$0.002 a second of video"),
        (Unit.AUDIO_SECOND, "$0.002 a second of sound"),
        (Unit.KILOTOKEN, "$0.002 a thousand tokens"),
        (Unit.DEVICE_SECOND, "$0.002 a device second"),
        (Unit.REQUEST, "$0.002 a request"),
    ],
)
def test_a_price_says_what_it_is_for(unit: Unit, text: str):
    assert price_text(2_000, "USD", unit) == text


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
