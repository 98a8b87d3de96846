"""The operator's page of the ledger."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from billing.ledger.selectors import is_balanced, trial_balance
from marketplace.accounts.policy import Action
from marketplace.web.shared.access import ActorRequest, operator_page


@operator_page(Action.OPERATE_SEE_LEDGER)
def ledger(request: ActorRequest) -> HttpResponse:
    """The trial balance: liabilities (credit) and assets (debit) by kind of account, and their equal sums."""
    return render(request, "operator/ledger.html", {"totals": _trial_balance(), "is_balanced": is_balanced()})


def _trial_balance() -> list[dict[str, Any]]:
    """The rows and totals of each currency; debit and credit are positive micro-units."""
    by_currency: dict[str, list[dict[str, Any]]] = {}
    for found in trial_balance():
        posted, held = int(str(found["posted"])), int(str(found["held"]))
        row = {"kind": found["kind"], "debit": max(-posted, 0), "credit": max(posted, 0), "held": held}
        by_currency.setdefault(str(found["currency"]), []).append(row)
    return [
        {"currency": currency, "rows": rows}
        | {side: sum(row[side] for row in rows) for side in ("debit", "credit", "held")}
        for currency, rows in by_currency.items()
    ]
