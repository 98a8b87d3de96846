"""The catalogue: models on sale, with search, task filter and order."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from marketplace.catalog import selectors as catalog
from marketplace.web.public.forms import CatalogueForm
from marketplace.web.shared.cards import model_card
from providers import tasks


def catalogue(request: HttpRequest) -> HttpResponse:
    """The models on sale that match the query; none if its words or task are invalid."""
    listed = [(name, tasks.task_named(name).title) for name in catalog.listed_tasks()]
    form = CatalogueForm.of_query(request, tasks=listed)
    offers = (
        []
        if form.has_error("q") or form.has_error("task")
        else catalog.offers(query=form.value("q"), task=form.value("task"), sort=form.value("sort", "popular"))
    )
    context = {
        "form": form,
        "models": [model_card(offer, pictures=4) for offer in offers],
    }
    return render(request, "public/catalogue.html", context)
