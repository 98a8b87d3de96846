"""The operator's page of the ledger: the last proof of its books, and asking for another."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from billing.ledger.domain import ProofState
from billing.ledger.selectors import last_proof, newest_proofs
from billing.ledger.services.proofs import CHECKS, request_proof
from marketplace.accounts.policy import Action
from marketplace.web.shared.access import ActorRequest, operator_page

SHOWN_PROOFS = 10


@operator_page(Action.OPERATE_SEE_LEDGER)
def ledger(request: ActorRequest) -> HttpResponse:
    """The last proof with its trial balance; for htmx, only the part that changes while one runs."""
    proof, newest = last_proof(), newest_proofs(limit=SHOWN_PROOFS)
    context = {
        "proof": proof,
        "totals": _trial_balance(proof.totals) if proof is not None else [],
        "proofs": newest,
        "open": newest[0] if newest and not ProofState(newest[0].state).is_final else None,
        "checks": len(CHECKS),
    }
    template = "operator/_ledger.html" if request.headers.get("HX-Request") else "operator/ledger.html"
    return render(request, template, context)


@require_POST
@operator_page(Action.OPERATE_PROVE_LEDGER)
def prove(request: ActorRequest) -> HttpResponse:
    """Ask for a proof now."""
    request_proof(actor=request.actor)
    return redirect("web:operator_ledger")


def _trial_balance(totals: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows and totals of each currency; debit and credit are positive micro-units."""
    by_currency: dict[str, list[dict[str, Any]]] = {}
    for found in totals:
        posted, held = found["posted"], found["held"]
        row = {"kind": found["kind"], "debit": max(-posted, 0), "credit": max(posted, 0), "held": held}
        by_currency.setdefault(found["currency"], []).append(row)
    return [
        {"currency": currency, "rows": rows}
        | {side: sum(row[side] for row in rows) for side in ("debit", "credit", "held")}
        for currency, rows in by_currency.items()
    ]
