"""The buyer's side of outcome contracts: offers to sign, and contracts in force."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from billing.outcomes.selectors import contract_for, contracts_for_buyer, offer_for, offers_for_buyer
from billing.outcomes.services import contracts as agreeing
from marketplace.accounts.policy import Action
from marketplace.core.ids import short
from marketplace.core.problems import NotFound
from marketplace.web.console.forms import SignatureForm
from marketplace.web.shared.access import MemberRequest, member_page
from marketplace.web.shared.contracts import contract_context, contract_list, offer_context, offer_list

if TYPE_CHECKING:
    from billing.outcomes.models import OutcomeContract


@member_page(Action.SEE_CONTRACTS)
def contracts(request: MemberRequest) -> HttpResponse:
    """The buyer's contracts, and the offers to sign."""
    buyer = str(request.membership.organization_id)
    context = contract_list(request, contracts_for_buyer(buyer))
    context |= offer_list(request, offers_for_buyer(buyer), key=("-id",))
    return render(request, "console/contracts.html", context)


@member_page(Action.SEE_CONTRACTS)
def offer(request: MemberRequest, id: uuid.UUID) -> HttpResponse:
    """An offer to read and to sign."""
    organization = request.membership.organization
    found = offer_for(str(organization.pk), id)
    if request.method == "POST":
        document_hash = SignatureForm.of(request).given()["hash"]
        signed = agreeing.sign(actor=request.actor, offer_id=found.pk, document_hash=document_hash)
        messages.success(request, "The contract is in force; you can now run calls under it.")
        return redirect("web:console_contract", organization.slug, signed.pk)
    contract = contracts_for_buyer(str(organization.pk)).filter(offer=found, ended_at=None).first()
    context = offer_context(request, found) | {
        "contract_id": short(contract.pk) if contract else None,
        "form": SignatureForm(initial={"hash": found.hash}),
    }
    return render(request, "console/offer.html", context)


@member_page(Action.SEE_CONTRACTS)
def contract(request: MemberRequest, id: uuid.UUID) -> HttpResponse:
    """A contract with its calls."""
    return render(
        request, "contracts/contract.html", contract_context(request, own_contract(request, id), side="console")
    )


@require_POST
@member_page(Action.END_CONTRACT)
def end(request: MemberRequest, id: uuid.UUID) -> HttpResponse:
    """End a contract for new calls."""
    agreeing.end(actor=request.actor, contract_id=own_contract(request, id).pk)
    messages.success(
        request, "The contract takes no new calls. Calls that are running or waiting for a verdict finish under it."
    )
    return redirect("web:console_contract", request.membership.organization.slug, id)


def own_contract(request: MemberRequest, id_: uuid.UUID) -> OutcomeContract:
    """The contract, if the organisation is its buyer. Raises NotFound."""
    buyer = str(request.membership.organization_id)
    found = contract_for(buyer, id_)
    if found.buyer != buyer:
        raise NotFound("There is no such contract")
    return found
