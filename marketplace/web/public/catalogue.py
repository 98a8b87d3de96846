"""The catalogue: models on sale, with search, facets, orders and pages."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from marketplace.catalog import search as catalog
from marketplace.catalog.cursors import NoSuchPage
from marketplace.catalog.domain import BANDS, Band
from marketplace.catalog.search import FACETS, FacetValue, Search
from marketplace.web.public.forms import CatalogueForm
from marketplace.web.shared.cards import model_cards
from marketplace.web.shared.figures import NO_BREAK_SPACE, money, percent
from marketplace.web.shared.forms import query_of
from providers import tasks

PICTURES = 4
TITLES = {
    "task": "Task",
    "price": "Price of a usual call",
    "speed": "Median run",
    "success": "Succeeded",
    "license": "Licence",
    "provider": "Provider",
}


def catalogue(request: HttpRequest) -> HttpResponse:
    """The models on sale that match; none if the words or a facet are invalid. A wrong cursor gives the first page."""
    form = CatalogueForm.of_query(request)
    search = _search(form)
    found = catalog.understand(search) if form.is_possible else catalog.Found(is_impossible=True)
    page = _page(form, search, found)
    total, facets = catalog.counts_of(search, found)
    context = {
        "form": form,
        "text": search.text.strip(),
        "corrected": found.corrected,
        "page": page,
        "models": model_cards(page.offers, pictures=PICTURES),
        "total": total,
        "most": catalog.MAX_COUNT,
        "facets": [_facet(query_of(request), name, values) for name, values in facets.items() if values],
        "chosen": len(search.facets),
    }
    return render(request, "public/catalogue.html", context)


def _search(form: CatalogueForm) -> Search:
    facets = {name: form.value(name) for name in FACETS if form.value(name)}
    return Search(form.value("q"), facets, form.value("sort"), is_exact=form.value("exact", False))


def _page(form: CatalogueForm, search: Search, found: catalog.Found) -> catalog.Page:
    try:
        return catalog.page_of(search, found, cursor=catalog.cursor_in(form.value("cursor"), search))
    except NoSuchPage:
        return catalog.page_of(search, found)


def _facet(query: Mapping[str, str], name: str, values: Sequence[FacetValue]) -> Mapping[str, Any]:
    """A facet for the page; each value links to the first page with it, the chosen one to that without it."""
    shown = [
        {
            "label": _label(name, one.value),
            "count": one.count,
            "is_chosen": one.is_chosen,
            "address": _address(query, name, "" if one.is_chosen else one.value),
        }
        for one in values
    ]
    return {"name": name, "title": TITLES[name], "values": shown}


def _address(query: Mapping[str, str], name: str, value: str) -> str:
    """The query of the address with another value of one facet, at the first page."""
    kept = {key: text for key, text in query.items() if key not in ("cursor", name)}
    return f"?{urlencode(kept | ({name: value} if value else {}))}"


def _label(name: str, value: str) -> str:
    match name:
        case "task":
            return tasks.task_named(value).title if value in tasks.task_names() else value
        case "price":
            return _range(BANDS["price"], value, lambda amount: money(round(amount), settings.CURRENCY))
        case "speed":
            return _range(BANDS["p50_run_seconds"], value, _seconds)
        case "success":
            return _range(BANDS["success_rate"], value, percent)
        case _:
            return value


def _range(bands: Sequence[Band], name: str, text: Any) -> str:
    """A band as its limits: `Under 1 s`, `1 s to 10 s`, `60 s and more`."""
    place = next((place for place, band in enumerate(bands) if band.name == name), None)
    if place is None:
        return name
    band, before = bands[place], bands[place - 1] if place else None
    if band.title:
        return band.title
    if before is None or before.title:
        return f"Under {text(band.below)}"
    start = text(before.below)
    return f"{start} and more" if band.below is None else f"{start} to {text(band.below)}"


def _seconds(limit: float) -> str:
    return f"{limit:g}{NO_BREAK_SPACE}s"
