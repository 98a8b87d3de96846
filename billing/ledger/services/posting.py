"""Movements of money other than settlements, each a balanced transaction under an idempotency key."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from django.conf import settings
from django.db import DatabaseError, connection, transaction

from billing.ledger.domain import PLATFORM, AccountKind, TransactionKind
from marketplace.core.problems import Conflict

KEY_REUSED = "BO409"  # raised by billing_post


@dataclass(frozen=True)
class Leg:
    """One entry to be: `amount` micro-units, positive adds to the balance of `owner`'s account of this kind."""

    owner: str
    kind: AccountKind
    amount: int


def post(*, key: str, kind: TransactionKind, source: str, description: str, legs: Sequence[Leg]) -> int:
    """Post one transaction in the market's currency and return its id. The same call again posts nothing new.

    Raises:
        Conflict: the key was used for a different movement.
        django.db.IntegrityError: the legs do not sum to zero, or an account would fall below its limit.
    """
    entries = [asdict(leg) for leg in legs]
    currency = settings.CURRENCY
    request = json.dumps([kind, source, currency, entries], sort_keys=True)
    request_hash = hashlib.sha256(request.encode()).hexdigest()
    with transaction.atomic(), connection.cursor() as cursor:
        try:
            cursor.execute(
                "SELECT billing_post(%s, %s, %s, %s, %s, %s, %s)",
                [key, request_hash, kind, source, description, currency, json.dumps(entries)],
            )
        except DatabaseError as error:
            if getattr(error.__cause__, "sqlstate", None) == KEY_REUSED:
                raise Conflict(f'"{key}" was used for another movement of money; use a new key') from error
            raise
        row: tuple[int] = cursor.fetchone()
    return row[0]


def grant(*, organization_id: str, amount: int, key: str, reason: str) -> int:
    """Give a buyer credit at the platform's cost."""
    return post(
        key=key,
        kind=TransactionKind.GRANT,
        source="platform",
        description=reason,
        legs=[
            Leg(PLATFORM, AccountKind.PROMOTION, -amount),
            Leg(organization_id, AccountKind.BUYER_PREPAID, amount),
        ],
    )
