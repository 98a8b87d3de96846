from billing.gateways import sandbox
from billing.services import posting
from marketplace.core.problems import FieldError, Invalid


def top_up(*, organization_id: str, amount: int, key: str) -> int:
    """Add money to a buyer's balance through the gateway and return the ledger transaction.

    Args:
        amount: micro-units.
        key: names this payment; the same key books once, however often the form is sent.

    Raises:
        Invalid: the gateway declined.
        Conflict: the key was used for another payment.
    """
    try:
        sandbox.charge(amount=amount)
    except sandbox.PaymentDeclined as error:
        raise Invalid("Nothing was charged", errors=[FieldError("amount", str(error))]) from error
    return posting.top_up(
        organization_id=organization_id,
        amount=amount,
        key=f"{sandbox.NAME}:{organization_id}:{key}",
        gateway=sandbox.NAME,
    )
