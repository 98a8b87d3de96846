"""The provider's earnings."""

from datetime import timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from billing.ledger.domain import AccountKind
from billing.ledger.selectors import balance_of, earnings_by_sku
from billing.outcomes.selectors import outcome_skus
from marketplace.accounts.policy import Action
from marketplace.catalog.domain import sku_of
from marketplace.web.shared.access import MemberRequest, member_page
from marketplace.web.shared.statements import statement_context, transaction_context
from providers.selectors import models_for_provider

EARNINGS_DAYS = 30


@member_page(Action.SEE_EARNINGS)
def earnings(request: MemberRequest) -> HttpResponse:
    """The amount owed to the organisation, its models' earnings of the last 30 days, and its statement."""
    organization = request.membership.organization
    owner = str(organization.pk)
    names = {sku_of(model.pk): f"{organization.slug}/{model.name}" for model in models_for_provider(organization.pk)}
    names |= outcome_skus(owner)
    since = timezone.now() - timedelta(days=EARNINGS_DAYS)
    by_model = [
        row | {"name": names.get(str(row["sku"]), str(row["sku"]))} for row in earnings_by_sku(owner, since=since)
    ]
    context = {
        "balance": balance_of(owner, AccountKind.PROVIDER_PAYABLE),
        "by_model": by_model,
        "total": {name: sum(int(str(row[name])) for row in by_model) for name in ("gross", "fees", "net")},
        "days": EARNINGS_DAYS,
    } | statement_context(request, AccountKind.PROVIDER_PAYABLE)
    return render(request, "provider/earnings.html", context)


@member_page(Action.SEE_EARNINGS)
def transaction(request: MemberRequest, id: int) -> HttpResponse:
    """One of the organisation's transactions, down to its entries."""
    return render(request, "provider/transaction.html", transaction_context(request, id, AccountKind.PROVIDER_PAYABLE))
