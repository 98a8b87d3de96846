"""Offers of outcome contracts: make, show, replace with a new version, withdraw."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from billing.outcomes.selectors import contracts_for_provider, offer_for
from billing.outcomes.services import contracts as agreeing
from marketplace.accounts.policy import Action
from marketplace.catalog.selectors import current_prices, listings_for_provider
from marketplace.catalog.services.contracts import make_offer
from marketplace.web.provider.forms import OfferForm, OfferQuery
from marketplace.web.shared.access import MemberRequest, member_page
from marketplace.web.shared.contracts import contract_list, offer_context
from marketplace.web.shared.figures import price as price_text


@member_page(Action.SEE_CONTRACTS)
def new_offer(request: MemberRequest) -> HttpResponse:
    """The form of an offer; with `?supersedes=`, of the next version of an offer."""
    organization = request.membership.organization
    sent = OfferQuery.of(request) if request.method == "POST" else OfferQuery.of_query(request)
    older_id = sent.given()["supersedes"]
    older = offer_for(str(organization.pk), older_id, as_provider=True) if older_id else None
    models = _choices(list(listings_for_provider(organization.pk).filter(listed=True)))
    form = OfferForm.of(
        request, models=models, is_version=older is not None, initial=_terms(older) if older is not None else None
    )
    if form.is_valid():
        made = form.attempt(_make, request, **form.cleaned_data)
        if made is not None:
            messages.success(request, "The offer is signed by you and waits for the buyer's signature.")
            return redirect("web:provider_offer", organization.slug, made)
    context = {
        "models": models,
        "form": form,
        "older": older,
    }
    return render(request, "provider/new_offer.html", context, status=form.status)


if TYPE_CHECKING:
    from collections.abc import Sequence

    from billing.outcomes.models import OutcomeOffer
    from marketplace.catalog.models import Listing


@member_page(Action.SEE_CONTRACTS)
def offer(request: MemberRequest, id: uuid.UUID) -> HttpResponse:
    """An offer of the organisation, with the contracts signed for it."""
    provider = str(request.membership.organization_id)
    found = offer_for(provider, id, as_provider=True)
    signed = contract_list(request, contracts_for_provider(provider).filter(offer=found))
    return render(request, "provider/offer.html", offer_context(request, found) | signed)


@require_POST
@member_page(Action.WITHDRAW_OFFER)
def withdraw(request: MemberRequest, id: uuid.UUID) -> HttpResponse:
    """Withdraw an offer: it can no longer be signed."""
    agreeing.withdraw(actor=request.actor, offer_id=id)
    messages.success(request, "The offer can no longer be signed. Signed contracts stay in force.")
    return redirect("web:provider_offer", request.membership.organization.slug, id)


def _choices(listings: Sequence[Listing]) -> list[tuple[str, str]]:
    """Models on sale as choices of the form, with their list prices."""
    prices, names = current_prices([one.model_id for one in listings]), [one.model.name for one in listings]
    shown = [prices.get(one.model_id) for one in listings]
    return [
        (name, f"{name} ({price_text(price)} at list)" if price else name)
        for name, price in zip(names, shown, strict=True)
    ]


def _terms(older: OutcomeOffer) -> dict[str, Any]:
    """The initial values of the next version of an offer."""
    return {
        "model": older.label.partition("/")[2],
        "buyer": json.loads(older.document)["buyer"]["name"] if older.buyer else "",
        "price": older.price.amount,
        "review_hours": older.review_hours,
        "most_unreviewed": older.most_unreviewed,
        "note": older.note,
        "supersedes": older.pk,
    }


def _make(request: MemberRequest, *, price: int, **terms: Any) -> uuid.UUID:
    return make_offer(actor=request.actor, amount=price, **terms).pk
