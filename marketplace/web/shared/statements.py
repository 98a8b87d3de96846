"""Contexts of the ledger's statements and transactions, for both sides of the market."""

from typing import TYPE_CHECKING, Any

from django.urls import reverse

from billing.ledger.domain import PLATFORM, AccountKind
from billing.ledger.selectors import balance_of, statement, statement_lines, transaction_for, usage_of
from billing.pricing.domain import BASIS_POINTS
from marketplace.accounts.selectors import organization_names
from marketplace.core.money import format_amount
from marketplace.core.problems import NotFound
from marketplace.web.shared.access import MemberRequest
from marketplace.web.shared.paging import page_of

if TYPE_CHECKING:
    from marketplace.accounts.models import Organization

PAGE = 30


def transaction_context(request: MemberRequest, transaction_id: int, kind: AccountKind) -> dict[str, Any]:
    """A transaction with its entries, for one of its parties. Raises NotFound for others."""
    owner = str(request.membership.organization_id)
    found = transaction_for(owner, transaction_id)
    if found is None:
        raise NotFound("There is no such transaction")
    names = organization_names(entry.account.owner for entry in found.entries.all()) | {PLATFORM: "The platform"}
    entries: list[dict[str, Any]] = [
        {
            "owner": names.get(entry.account.owner, entry.account.owner),
            "kind": entry.account.kind,
            "amount": entry.amount,
            "currency": entry.currency,
            "is_mine": entry.account.owner == owner,
        }
        for entry in found.entries.all()
    ]
    usage = usage_of(found.pk)
    source = found.source.partition(":")
    amount = sum(entry["amount"] for entry in entries if entry["is_mine"] and entry["kind"] == kind)
    return {
        "transaction": found,
        "entries": entries,
        "sum": sum(entry["amount"] for entry in entries),
        "amount": amount,
        "size": abs(amount),
        "usage": usage,
        "provider_share": usage.amount - usage.fee if usage else None,
        "fee_share": usage.price.fee_bps / BASIS_POINTS if usage else None,
        "prediction_url": reverse("web:console_prediction", args=[request.membership.organization.slug, source[2]])
        if source[0] == "prediction" and kind is AccountKind.BUYER_PREPAID
        else None,
    }


def statement_context(request: MemberRequest, kind: AccountKind) -> dict[str, Any]:
    """A page of the organisation's statement with its lines, for `components/statement.html`."""
    page = page_of(request, statement(str(request.membership.organization_id), kind), key=("-id",), size=PAGE)
    return {"page": page, "lines": statement_lines(page.rows)}


def balance_text(organization: "Organization") -> str:
    """The available balance of an organisation, as text."""
    balance = balance_of(str(organization.pk), AccountKind.BUYER_PREPAID)
    return format_amount(balance.available, balance.currency)
