"""What the platform worker does for billing."""

from celery import shared_task

from billing.ledger.services.proofs import prove_if_due


@shared_task(name="billing.prove_ledger")
def prove_ledger() -> None:
    """Prove the ledger if somebody asked for it, or if the last proof is some minutes old."""
    prove_if_due()
