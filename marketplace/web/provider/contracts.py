"""The provider's side of outcome contracts: the contracts with the outcomes of their calls."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from billing.outcomes.selectors import BY_FORCE, contract_for, contracts_for_provider, offers_by_provider
from billing.outcomes.services import contracts as agreeing
from marketplace.accounts.policy import Action
from marketplace.core.problems import NotFound
from marketplace.web.shared.access import MemberRequest, member_page
from marketplace.web.shared.contracts import contract_context, contract_list, offer_list

if TYPE_CHECKING:
    from billing.outcomes.models import OutcomeContract


@member_page(Action.SEE_CONTRACTS)
def contracts(request: MemberRequest) -> HttpResponse:
    """The provider's contracts and offers."""
    provider = str(request.membership.organization_id)
    context = contract_list(request, contracts_for_provider(provider))
    context |= offer_list(request, offers_by_provider(provider), key=BY_FORCE)
    return render(request, "provider/contracts.html", context)


@member_page(Action.SEE_CONTRACTS)
def contract(request: MemberRequest, id: uuid.UUID) -> HttpResponse:
    """A contract with its calls."""
    return render(request, "contracts/contract.html", contract_context(request, _own(request, id), side="provider"))


@require_POST
@member_page(Action.END_CONTRACT)
def end(request: MemberRequest, id: uuid.UUID) -> HttpResponse:
    """End a contract for new calls."""
    agreeing.end(actor=request.actor, contract_id=_own(request, id).pk)
    messages.success(
        request, "The contract takes no new calls. Calls that are running or waiting for a verdict finish under it."
    )
    return redirect("web:provider_contract", request.membership.organization.slug, id)


def _own(request: MemberRequest, id_: uuid.UUID) -> OutcomeContract:
    """The contract, if the organisation is its provider. Raises NotFound."""
    provider = str(request.membership.organization_id)
    found = contract_for(provider, id_)
    if found.offer.provider != provider:
        raise NotFound("There is no such contract")
    return found
