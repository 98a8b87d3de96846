"""The operator's pages of models."""

import uuid

from django.http import HttpResponse
from django.shortcuts import render

from billing.pricing.selectors import price_history
from inference.selectors import calls_for_operator
from marketplace.accounts.policy import Action
from marketplace.catalog.domain import sku_of
from marketplace.catalog.selectors import current_prices, listings_of
from marketplace.web.operator.forms import SearchQuery
from marketplace.web.shared.access import ActorRequest, operator_page
from marketplace.web.shared.paging import page_of
from providers.selectors import model_by_id, models_starting, versions_for_provider

MODELS, VERSIONS, PRICES, CALLS = 50, 20, 20, 20


@operator_page(Action.OPERATE_SEE_MODELS)
def models(request: ActorRequest) -> HttpResponse:
    """All models, newest first, or those whose name starts with what is searched for."""
    form = SearchQuery.of_query(request, label="Name or owner/name, or its beginning")
    text = form.value("q")
    page = page_of(request, models_starting(text), key=("-id",), size=MODELS)
    ids = [model.pk for model in page]
    listings, prices = listings_of(ids), current_prices(ids)
    rows = [{"model": one, "listing": listings.get(one.pk), "price": prices.get(one.pk)} for one in page]
    return render(request, "operator/models.html", {"page": page, "rows": rows, "form": form, "q": text})


@operator_page(Action.OPERATE_SEE_MODELS)
def model(request: ActorRequest, id: uuid.UUID) -> HttpResponse:
    """One model with its prices, versions and newest calls."""
    found = model_by_id(id)
    context = {
        "found": found,
        "listing": listings_of([found.pk]).get(found.pk),
        "prices": page_of(request, price_history(sku_of(found.pk)), key=("-version",), size=PRICES, name="prices"),
        "versions": page_of(request, versions_for_provider(found), key=("-number",), size=VERSIONS, name="versions"),
        "calls": page_of(request, calls_for_operator(model_id=found.pk), key=("-id",), size=CALLS, name="calls"),
    }
    return render(request, "operator/model.html", context)
