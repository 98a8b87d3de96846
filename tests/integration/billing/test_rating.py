"""SQL charges what Python estimates, and writes quantities as Python does."""

import json

import pytest
from django.db import DatabaseError, transaction
from hypothesis import example, given, settings
from hypothesis import strategies as st

from billing.pricing.domain import BASIS_POINTS, PriceTerms, Unit, quantity_text, rate
from billing.pricing.models import Price
from tests.support.ledger import assert_ledger_consistent, balance, hold, hold_row, make_payer, make_price, name, rows

pytestmark = pytest.mark.usefixtures("database")

MAX_AMOUNT = 10**15  # micro-units
MAX_QUANTITY = 10**12
units = st.sampled_from(list(Unit))
amounts = st.integers(0, MAX_AMOUNT)
quantities = st.integers(0, MAX_QUANTITY)


def rated_by_python(unit: Unit, amount: int, quantity: int, factor_bps: int) -> int | None:
    terms = PriceTerms(id=1, sku="s", version=1, unit=unit, amount=amount, currency="USD", payee="p", fee_bps=0)
    try:
        return rate(terms, quantity=quantity, factor_bps=factor_bps)
    except ValueError:
        return None


def rated_by_sql(unit: Unit, amount: int, quantity: int, factor_bps: int) -> int | None:
    """None where it is refused as too much, or as negative."""
    try:
        with transaction.atomic():
            return rows("SELECT billing_rate(%s, %s, %s, %s)", amount, unit, quantity, factor_bps)[0][0]
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", None) not in ("22003", "BO422"):
            raise
        return None


@settings(max_examples=400, deadline=None)
@given(unit=units, amount=amounts, quantity=quantities, factor_bps=st.just(BASIS_POINTS) | st.integers(0, 50_000))
@example(unit=Unit.KILOTOKEN, amount=1, quantity=500, factor_bps=BASIS_POINTS)  # half a micro-unit: up
@example(unit=Unit.KILOTOKEN, amount=1, quantity=499, factor_bps=BASIS_POINTS)
@example(unit=Unit.IMAGE, amount=1, quantity=1, factor_bps=5_000)
@example(unit=Unit.VIDEO_SECOND, amount=1, quantity=352_800_000, factor_bps=BASIS_POINTS)
@example(unit=Unit.REQUEST, amount=MAX_AMOUNT, quantity=MAX_QUANTITY, factor_bps=BASIS_POINTS)  # no bigint holds it
@example(unit=Unit.IMAGE, amount=2**63 - 1, quantity=1, factor_bps=BASIS_POINTS)
@example(unit=Unit.IMAGE, amount=2**62, quantity=2, factor_bps=BASIS_POINTS)
@example(unit=Unit.IMAGE, amount=1, quantity=-1, factor_bps=BASIS_POINTS)
@example(unit=Unit.IMAGE, amount=1, quantity=1, factor_bps=-1)
def test_sql_rates_as_python_does(unit: Unit, amount: int, quantity: int, factor_bps: int):
    assert rated_by_sql(unit, amount, quantity, factor_bps) == rated_by_python(unit, amount, quantity, factor_bps)


@settings(max_examples=300, deadline=None)
@given(unit=units, whole=st.integers(0, 10**6), rest=st.integers(0, 705_599_999), half=st.booleans())
def test_half_way_cases_are_rounded_up_by_both(unit: Unit, whole: int, rest: int, half: bool):
    """An amount whose product with the quantity lies half-way, or next to it."""
    quantity = max(whole * unit.parts + rest % unit.parts, 1)
    amount = unit.parts // 2 if half else unit.parts // 2 + 1
    found = rated_by_sql(unit, amount, quantity, BASIS_POINTS)
    assert found == (2 * amount * quantity + unit.parts) // (2 * unit.parts)
    assert found == rated_by_python(unit, amount, quantity, BASIS_POINTS)


@settings(max_examples=400, deadline=None)
@given(unit=units, quantity=quantities | st.integers(0, 2_000) | st.integers(0, 10**8))
@example(unit=Unit.MEGAPIXEL, quantity=1_048_576)
@example(unit=Unit.KILOTOKEN, quantity=99_950)
@example(unit=Unit.KILOTOKEN, quantity=99_999)
@example(unit=Unit.MEGAPIXEL, quantity=1)
@example(unit=Unit.MEGAPIXEL, quantity=999_999)
def test_sql_writes_quantities_as_python_does(unit: Unit, quantity: int):
    assert rows("SELECT billing_quantity_text(%s, %s)", unit, quantity) == [(quantity_text(unit, quantity),)]


def test_both_know_the_same_units():
    assert rows("SELECT billing_unit_parts(unit) FROM unnest(%s::text[]) AS unit", [*Unit, "pixel"]) == [
        *((unit.parts,) for unit in Unit),
        (None,),
    ]
    with pytest.raises(DatabaseError, match='there is no unit "pixel"'):
        rows("SELECT billing_rate(1, 'pixel', 1)")


def price_of(unit: Unit, amount: int) -> PriceTerms:
    like = make_price()
    made = Price.objects.create(
        sku=name(), version=1, unit=unit, amount=amount, currency="USD", payee=like.payee, fee_bps=1_000
    )
    return PriceTerms(made.pk, made.sku, 1, unit, amount, "USD", made.payee, 1_000)


def charge(id_: object, quantities: dict[str, object] | None, *, most: int) -> list[tuple]:
    item = {"hold": str(id_), "source": name(), "label": "acme/x", "quantities": quantities, "most": most}
    return rows("SELECT amount FROM billing_settle(%s)", json.dumps([item]))


@pytest.mark.parametrize(
    ("unit", "amount", "delivered", "held", "most", "charged", "text"),
    [
        (Unit.IMAGE, 4_000, 2, 8_000, 2, 8_000, "acme/x: 2 images"),
        (Unit.IMAGE, 4_000, 1, 8_000, 2, 4_000, "acme/x: 1 image"),
        (Unit.IMAGE, 4_000, 9, 8_000, 2, 8_000, "acme/x: 2 images"),
        (Unit.MEGAPIXEL, 2_000, 1_048_576, 9_000, 10**7, 2_097, "acme/x: 1.05 megapixels"),
        (Unit.DEVICE_SECOND, 1_000, 2_500_000, 2_000, 10**9, 2_000, "acme/x: 2.5 device seconds"),
    ],
)
def test_what_was_delivered_is_charged_up_to_what_is_held(
    unit: Unit, amount: int, delivered: int, held: int, most: int, charged: int, text: str
):
    payer, price = make_payer(100_000), price_of(unit, amount)
    id_ = hold(payer, price, held)
    assert charge(id_, {unit: delivered, "other": 3}, most=most) == [(charged,)]
    assert rows("SELECT description FROM billing_transaction WHERE key = %s", f"settle:{id_}") == [(text,)]
    assert balance(payer) == (100_000 - charged, 0)
    assert rows("SELECT quantity, unit FROM billing_usagerecord WHERE hold_id = %s", id_) == [
        (min(delivered, most), unit)
    ]
    assert_ledger_consistent()


@pytest.mark.parametrize("quantities", [{}, {"image": 1}, {"megapixel": None}, {"megapixel": "x"}, {"megapixel": -1}])
def test_a_quantity_that_the_price_needs_is_never_taken_for_zero(quantities: dict[str, object]):
    payer, price = make_payer(10_000), price_of(Unit.MEGAPIXEL, 1_000)
    id_ = hold(payer, price, 1_000)
    with pytest.raises(DatabaseError, match="megapixel"), transaction.atomic():
        charge(id_, quantities, most=10**6)
    assert (balance(payer), hold_row(id_)[0]) == ((10_000, 1_000), "pending")


def test_nothing_delivered_lets_the_hold_go():
    payer, price = make_payer(10_000), price_of(Unit.MEGAPIXEL, 1_000)
    id_ = hold(payer, price, 1_000)
    assert charge(id_, None, most=10**6) == [(0,)]
    assert (balance(payer), hold_row(id_)[0]) == ((10_000, 0), "voided")
