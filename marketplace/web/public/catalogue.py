"""The catalogue: what is on sale, found by words, task and order."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from marketplace.catalog import selectors as catalog
from marketplace.catalog.selectors import SORTS
from marketplace.web.shared.cards import model_card
from providers import tasks


def catalogue(request: HttpRequest) -> HttpResponse:
    query, task = request.GET.get("q", "")[:100].replace("\0", ""), request.GET.get("task", "")[:40].replace("\0", "")
    sort = request.GET.get("sort", "popular")
    sort = sort if sort in SORTS else "popular"
    offers = catalog.offers(query=query, task=task, sort=sort)
    context = {
        "models": [model_card(offer, pictures=4) for offer in offers],
        "query": query,
        "task": task,
        "tasks": [{"name": name, "title": tasks.task_named(name).title} for name in catalog.listed_tasks()],
        "sort": sort,
        "sorts": SORTS,
    }
    return render(request, "public/catalogue.html", context)
