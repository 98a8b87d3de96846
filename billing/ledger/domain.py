"""The ledger's enumerations: kinds of accounts and of transactions, states of holds. No database."""

from enum import StrEnum

PLATFORM = "platform"


class AccountKind(StrEnum):
    """What an account's balance means. Balances are credit-positive: what the platform owes to the owner."""

    BUYER_PREPAID = "buyer_prepaid"
    PROVIDER_PAYABLE = "provider_payable"
    PLATFORM_FEE = "platform_fee"
    PAYOUT_IN_TRANSIT = "payout_in_transit"  # taken from what a provider is owed, not yet known to have arrived
    CLEARING = "clearing"  # money that came in through a gateway; its balance is what came in, negated
    PROMOTION = "promotion"  # credit that the platform gives away


class HoldState(StrEnum):
    PENDING = "pending"
    POSTED = "posted"
    VOIDED = "voided"
    EXPIRED = "expired"


class TransactionKind(StrEnum):
    SETTLEMENT = "settlement"
    TOP_UP = "top_up"
    GRANT = "grant"
    PAYOUT = "payout"
    PAYOUT_PAID = "payout_paid"
    PAYOUT_RETURNED = "payout_returned"


class ProofState(StrEnum):
    """Where a proof of the ledger stands."""

    REQUESTED = "requested"
    RUNNING = "running"
    SOUND = "sound"
    UNSOUND = "unsound"  # its findings say what is wrong
    INTERRUPTED = "interrupted"  # its process ended before it did

    @property
    def is_final(self) -> bool:
        """Whether the state no longer changes."""
        return self not in (ProofState.REQUESTED, ProofState.RUNNING)
