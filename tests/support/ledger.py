"""Calls of the ledger's functions, and checks of its invariants in the tables."""

import json
import secrets
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import connection

from billing.ledger.domain import PLATFORM, AccountKind, TransactionKind
from billing.ledger.services import proofs
from billing.ledger.services.posting import Leg, post
from billing.pricing.domain import PriceTerms, Unit, platform_fee
from billing.pricing.models import Price
from billing.pricing.selectors import terms_of
from marketplace.accounts.domain import Actor
from marketplace.accounts.models import Organization
from marketplace.accounts.selectors import platform_for
from marketplace.core.ids import new_id


@dataclass(frozen=True)
class Item:
    """The input of a settlement for one hold."""

    hold: uuid.UUID
    amount: int
    quantity: int = 1


def name() -> str:
    """An owner that no other test uses."""
    return f"t{secrets.token_hex(8)}"


def make_organization() -> str:
    """An organisation on both sides of the market that no other test uses, as the ledger calls it."""
    slug = name()
    return str(Organization.objects.create(slug=slug, name=slug, can_provide=True).pk)


def acting_for(owner: str) -> Actor:
    """The platform acting for an organisation."""
    return platform_for(Organization.objects.get(pk=owner))


def make_price(
    *, amount: int = 4_000, fee_bps: int = 1_000, payee: str | None = None, currency: str = "USD"
) -> PriceTerms:
    price = Price.objects.create(
        sku=name(), version=1, unit=Unit.IMAGE, amount=amount, currency=currency, payee=payee or name(), fee_bps=fee_bps
    )
    return terms_of(price)


def make_payer(credit: int) -> str:
    payer = name()
    if credit:
        give(payer, credit, key=f"start:{payer}")
    return payer


def give(payer: str, amount: int, *, key: str) -> int:
    return post(
        key=key,
        kind=TransactionKind.GRANT,
        source="test",
        description="",
        legs=[Leg(PLATFORM, AccountKind.PROMOTION, -amount), Leg(payer, AccountKind.BUYER_PREPAID, amount)],
    )


def hold(
    payer: str, price: PriceTerms, amount: int, *, id_: uuid.UUID | None = None, hours: int = 24
) -> uuid.UUID | None:
    """The id of the hold, or None if the balance does not cover it."""
    id_ = id_ or new_id()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT billing_hold(%s, %s, %s, %s, now() + make_interval(hours => %s))",
            [id_, payer, price.id, amount, hours],
        )
        (answer,) = cursor.fetchone()
    assert answer in ("held", "insufficient_funds")
    return id_ if answer == "held" else None


def holds(payer: str, price: PriceTerms, amounts: Iterable[int]) -> list[uuid.UUID]:
    made = [hold(payer, price, amount) for amount in amounts]
    assert None not in made
    return [id_ for id_ in made if id_]


def settle(items: Sequence[Item]) -> dict[uuid.UUID, int]:
    """What was settled now, by hold."""
    documents = [
        {
            "hold": str(item.hold),
            "source": f"s:{item.hold}",
            "description": "",
            "quantity": item.quantity,
            "amount": item.amount,
        }
        for item in items
    ]
    with connection.cursor() as cursor:
        cursor.execute("SELECT hold, amount FROM billing_settle(%s)", [json.dumps(documents)])
        return dict(cursor.fetchall())


def release(ids: Sequence[uuid.UUID], state: str = "voided") -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT billing_release(%s::uuid[], %s)", [list(ids), state])
        (released,) = cursor.fetchone()
    return released


def rows(sql: str, *parameters: object) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def balance(owner: str, kind: AccountKind = AccountKind.BUYER_PREPAID) -> tuple[int, int]:
    """(posted, held)."""
    found = rows("SELECT posted, held FROM billing_account WHERE owner = %s AND kind = %s", owner, kind)
    return found[0] if found else (0, 0)


def hold_row(id_: uuid.UUID) -> tuple[str, int | None, int | None]:
    """(state, posted amount, transaction)."""
    ((state, amount, transaction),) = rows(
        "SELECT state, posted_amount, transaction_id FROM billing_hold WHERE id = %s", id_
    )
    return state, amount, transaction


def entries_of(transaction: int) -> dict[str, int]:
    """Entries by the kind of their account."""
    return dict(
        rows(
            "SELECT a.kind, e.amount FROM billing_entry e JOIN billing_account a ON a.id = e.account_id "
            "WHERE e.transaction_id = %s",
            transaction,
        )
    )


def assert_ledger_consistent() -> None:
    """Check every invariant that must hold between any two commits, over the whole database."""
    found = proofs.findings_between(0, proofs.newest_entry())
    assert found == [], found
    wrong = {
        "a transaction's entries do not sum to zero": """
            SELECT transaction_id FROM billing_entry GROUP BY transaction_id, currency HAVING sum(amount) <> 0""",
        "a balance is not the sum of its entries": """
            SELECT id FROM billing_account a
            WHERE posted <> (SELECT coalesce(sum(amount), 0) FROM billing_entry WHERE account_id = a.id)""",
        "what is held is not the sum of pending holds": """
            SELECT id FROM billing_account a WHERE held <> (
              SELECT coalesce(sum(amount), 0) FROM billing_hold WHERE account_id = a.id AND state = 'pending')""",
        "an account is below its limit": """
            SELECT id FROM billing_account WHERE posted - held < min_available OR held < 0""",
        "a buyer or provider has no limit": """
            SELECT id FROM billing_account
            WHERE kind IN ('buyer_prepaid', 'provider_payable') AND min_available IS DISTINCT FROM 0""",
        "an entry is in a foreign currency": """
            SELECT e.id FROM billing_entry e JOIN billing_account a ON a.id = e.account_id
            WHERE e.currency <> a.currency""",
        "a hold is not resolved as it says": """
            SELECT id FROM billing_hold WHERE NOT CASE state
              WHEN 'pending' THEN posted_amount IS NULL AND resolved_at IS NULL AND transaction_id IS NULL
              WHEN 'posted' THEN posted_amount BETWEEN 0 AND amount AND resolved_at IS NOT NULL
                                 AND (posted_amount > 0) = (transaction_id IS NOT NULL)
              ELSE posted_amount = 0 AND resolved_at IS NOT NULL AND transaction_id IS NULL END""",
        "a usage record is not what was posted": """
            SELECT u.id FROM billing_usagerecord u JOIN billing_hold h ON h.id = u.hold_id
            WHERE h.state <> 'posted' OR u.amount <> h.posted_amount
               OR u.transaction_id IS DISTINCT FROM h.transaction_id OR u.fee NOT BETWEEN 0 AND u.amount""",
        "provider and fee are not the buyer's charge": """
            SELECT t.id FROM billing_transaction t JOIN billing_entry e ON e.transaction_id = t.id
            JOIN billing_account a ON a.id = e.account_id JOIN billing_hold h ON h.transaction_id = t.id
            WHERE t.kind = 'settlement' GROUP BY t.id, h.posted_amount
            HAVING sum(e.amount) FILTER (WHERE a.kind IN ('provider_payable', 'platform_fee')) <> h.posted_amount
                OR sum(e.amount) FILTER (WHERE a.kind = 'buyer_prepaid') <> -h.posted_amount""",
    }
    found = {what: rows(sql) for what, sql in wrong.items()}
    assert {what: ids for what, ids in found.items() if ids} == {}


def assert_split(id_: uuid.UUID, *, charge: int, fee_bps: int) -> None:
    """The hold was posted for `charge`, split as `platform_fee` says."""
    state, amount, transaction = hold_row(id_)
    assert (state, amount) == ("posted", charge)
    assert transaction is not None
    fee = platform_fee(charge, fee_bps=fee_bps)
    expected = {"buyer_prepaid": -charge, "provider_payable": charge - fee, "platform_fee": fee}
    assert entries_of(transaction) == {kind: value for kind, value in expected.items() if value}


def earn(provider: str, amount: int) -> None:
    """Let a buyer pay the provider so many micro-units, without a fee."""
    price = make_price(payee=provider, fee_bps=0)
    settle([Item(hold(make_payer(amount), price, amount), amount)])
