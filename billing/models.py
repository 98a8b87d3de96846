"""All tables of billing, for Django, which looks for an app's models here. Code imports them from their packages."""

from billing.ledger.models import Account, Entry, Hold, Proof, ProvenBalance, Transaction, UsageHour, UsageRecord
from billing.outcomes.models import Outcome, OutcomeContract, OutcomeOffer, UnitVerdict
from billing.payments.models import GatewayCustomer, GatewayEvent, Payee, Payout, TopUp, UnmeteredUsage
from billing.pricing.models import Price

__all__ = [
    "Account",
    "Entry",
    "GatewayCustomer",
    "GatewayEvent",
    "Hold",
    "Outcome",
    "OutcomeContract",
    "OutcomeOffer",
    "Payee",
    "Payout",
    "Price",
    "Proof",
    "ProvenBalance",
    "TopUp",
    "Transaction",
    "UnitVerdict",
    "UnmeteredUsage",
    "UsageHour",
    "UsageRecord",
]
