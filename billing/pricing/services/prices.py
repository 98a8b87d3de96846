from django.conf import settings
from django.db import connection, transaction

from billing.pricing.domain import PriceTerms, Unit
from billing.pricing.models import Price
from billing.pricing.selectors import current_terms, terms_of
from marketplace.core.money import MAX_AMOUNT
from marketplace.core.problems import FieldError, Invalid


@transaction.atomic
def set_price(*, sku: str, unit: Unit, amount: int, payee: str) -> PriceTerms:
    """Put a new price version into effect, now. The same price again changes nothing.

    Calls that were admitted before keep the version they were admitted under.

    Args:
        amount: micro-units for one unit.
        payee: the organisation that earns it.

    Raises:
        Invalid: the amount is negative or absurdly large.
    """
    check_amount(amount)
    with connection.cursor() as cursor:  # serialises new prices of one sku
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"price:{sku}"])
    current = current_terms(sku)
    fee_bps = settings.PLATFORM_FEE_BPS
    if current and (current.unit, current.amount, current.payee, current.fee_bps) == (unit, amount, payee, fee_bps):
        return current
    price = Price.objects.create(
        sku=sku,
        version=current.version + 1 if current else 1,
        unit=unit,
        amount=amount,
        currency=settings.CURRENCY,
        payee=payee,
        fee_bps=fee_bps,
    )
    return terms_of(price)


def check_amount(amount: int) -> None:
    """Raises Invalid unless so many micro-units can be a price."""
    if not 0 <= amount <= MAX_AMOUNT:
        raise Invalid("The price was not set", errors=[FieldError("price", "A price lies between 0 and one billion")])
