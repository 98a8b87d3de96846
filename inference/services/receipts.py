import hashlib
from functools import cache

from django.conf import settings

from billing.pricing.domain import Unit
from inference.domain.receipts import Receipt, ReceiptContract, ReceiptPayload, ReceiptSigner, canonical
from inference.read_models import PredictionView
from marketplace.core.ids import short
from marketplace.core.money import decimal_text


@cache
def signer() -> ReceiptSigner:
    """The process's signer of receipts."""
    return ReceiptSigner(settings.RECEIPT_KEY)


def receipt_of(prediction: PredictionView) -> Receipt | None:
    """The signed receipt of a prediction that has ended, else None.

    Amounts are decimal texts in the currency, durations seconds rounded to microseconds.
    """
    if not prediction.status.is_final or prediction.completed_at is None:
        return None
    payload: ReceiptPayload = {
        "prediction": short(prediction.id),
        "buyer": prediction.organization,
        "model": prediction.model,
        "version": prediction.version,
        "status": prediction.status.value,
        "device": prediction.device,
        "attempts": prediction.attempt,
        "created_at": prediction.created_at.isoformat(),
        "completed_at": prediction.completed_at.isoformat(),
        "queue_seconds": _rounded(prediction.queue_seconds),
        "load_seconds": _rounded(prediction.load_seconds),
        "run_seconds": _rounded(prediction.run_seconds),
        "unit": prediction.unit,
        "quantity": _quantity(prediction),
        "unit_price": decimal_text(prediction.unit_amount),
        "price_version": prediction.price_version,
        "max_price": None if prediction.max_price is None else decimal_text(prediction.max_price),
        "held": decimal_text(prediction.amount_held),
        "charged": decimal_text(prediction.amount_charged or 0),
        "currency": prediction.currency,
        "not_billed": prediction.not_billed_reason or None,
        "contract": _contract(prediction),
        "outputs": _digests(prediction),
    }
    return signer().sign(payload)


def _quantity(prediction: PredictionView) -> int:
    """The number of units delivered, paid for or not; for a failed prediction, the number held for."""
    if prediction.unit == Unit.IMAGE and prediction.artifacts:
        return len(prediction.artifacts)
    return prediction.quantity if prediction.quantity_charged is None else prediction.quantity_charged


def _contract(prediction: PredictionView) -> ReceiptContract | None:
    """The contract that the prediction ran under, and its outcome so far. A later receipt may contain more."""
    if prediction.contract_id is None or prediction.outcome is None:
        return None
    return {
        "id": short(prediction.contract_id),
        "hash": prediction.contract_hash,
        "outcome": prediction.outcome.value,
        "delivered": prediction.delivered or 0,
        "accepted": prediction.accepted,
        "rejected": prediction.rejected,
        "review_until": prediction.review_until.isoformat() if prediction.review_until else None,
    }


def _digests(prediction: PredictionView) -> list[str]:
    """SHA-256 of each output: of a file's bytes, or of a value's canonical JSON."""
    if prediction.value is not None:
        return [f"sha256:{hashlib.sha256(canonical(prediction.value)).hexdigest()}"]
    return [f"sha256:{artifact.sha256}" for artifact in prediction.artifacts]


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)
