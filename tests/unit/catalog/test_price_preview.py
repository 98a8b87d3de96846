"""The preview of a price for buyer, provider and platform."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.pricing.domain import PriceTerms, Unit, platform_fee, rate
from marketplace.catalog.services.pricing import preview, seconds_of_unit
from marketplace.core.money import MICRO
from providers.tasks.text_to_image import TextToImage


@given(st.sampled_from(list(Unit)), st.integers(0, 1_000 * MICRO), st.integers(0, 10_000))
def test_every_micro_goes_to_one_of_the_two_as_calls_are_settled(unit: Unit, amount: int, fee_bps: int):
    from django.test import override_settings

    with override_settings(PLATFORM_FEE_BPS=fee_bps, DEVICE_HOUR_COST=""):
        splits = preview(unit=unit, amount=amount, unit_seconds=1.0)
    assert [split.calls for split in splits] == [1, 100, 1_000]
    terms = PriceTerms(1, "x", 1, unit, amount, "USD", "p", fee_bps)
    for split in splits:
        assert (
            split.buyer
            == split.provider + split.platform
            == sum(rate(terms, quantity=unit.parts) for _ in range(split.calls))
        )
        assert split.platform == split.calls * platform_fee(rate(terms, quantity=unit.parts), fee_bps=fee_bps)
        assert split.margin is None


def test_an_hours_cost_gives_the_margin(settings):  # type: ignore[no-untyped-def]
    settings.PLATFORM_FEE_BPS, settings.DEVICE_HOUR_COST = 1_000, "3.60"
    one, hundred, _ = preview(unit=Unit.IMAGE, amount=4_000, unit_seconds=0.5)
    assert (one.buyer, one.provider, one.platform, one.device_cost, one.margin) == (4_000, 3_600, 400, 500, 3_100)
    assert (hundred.device_cost, hundred.margin) == (50_000, 310_000)
    [unmeasured, *_] = preview(unit=Unit.IMAGE, amount=4_000, unit_seconds=None)
    assert unmeasured.device_cost is None
    settings.DEVICE_HOUR_COST = "36000"
    assert preview(unit=Unit.IMAGE, amount=4_000, unit_seconds=0.5)[0].margin == pytest.approx(3_600 - 5_000_000)


@pytest.mark.parametrize(
    ("unit", "seconds"),
    [(Unit.IMAGE, 0.5), (Unit.MEGAPIXEL, 2.0), (Unit.MEGAPIXEL_STEP, 0.1), (Unit.REQUEST, 1.0), (Unit.KILOTOKEN, None)],
)
def test_measured_seconds_of_an_image_are_those_of_any_unit(unit: Unit, seconds: float | None):
    trial = {"num_outputs": 2, "width": 500, "height": 500, "num_inference_steps": 20}
    profile = {"alone": 0.5, "input": trial}
    assert seconds_of_unit(profile, task=TextToImage(), schema={}, unit=unit) == seconds
    assert seconds_of_unit({}, task=TextToImage(), schema={}, unit=unit) is None
