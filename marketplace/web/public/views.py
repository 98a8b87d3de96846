"""Pages for everybody: the front page, the catalogue, a model and its playground, the documentation."""

import re
from pathlib import Path
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from billing.domain import AccountKind
from billing.selectors import balance_of
from inference.selectors import market_totals, showcase
from inference.statements import PredictionView
from marketplace.api.replicate import artifact_url
from marketplace.catalog import selectors as catalog
from marketplace.catalog.selectors import SORTS, Offer
from marketplace.core.ids import short
from marketplace.web.access import current_membership
from marketplace.web.markdown import render_markdown
from marketplace.web.public.forms import schema_fields
from providers import tasks
from providers.selectors import versions_of

DOCS = Path(__file__).resolve().parents[2] / "docs"
DOC_NAME = re.compile(r"[a-z0-9][a-z0-9-]*(/[a-z0-9][a-z0-9-]*)?")


def home(request: HttpRequest) -> HttpResponse:
    offers = catalog.offers()
    totals = market_totals()
    market = {
        "models": len(offers),
        "providers": len({offer.listing.model.organization_id for offer in offers}),
        "predictions": totals["predictions"],
        "artifacts": totals["artifacts"],
    }
    context = {
        "hero": _card(offers[0], pictures=6) if offers else None,
        "models": [_card(offer, pictures=4) for offer in offers[:6]],
        "market": market,
        "latest": [_picture(view) for view in showcase(limit=12)],
    }
    return render(request, "public/home.html", context)


def catalogue(request: HttpRequest) -> HttpResponse:
    query, task = request.GET.get("q", "")[:100].replace("\0", ""), request.GET.get("task", "")[:40].replace("\0", "")
    sort = request.GET.get("sort", "popular")
    sort = sort if sort in SORTS else "popular"
    offers = catalog.offers(query=query, task=task, sort=sort)
    context = {
        "models": [_card(offer, pictures=4) for offer in offers],
        "query": query,
        "task": task,
        "tasks": [{"name": name, "title": tasks.task_named(name).title} for name in catalog.listed_tasks()],
        "sort": sort,
        "sorts": SORTS,
    }
    return render(request, "public/catalogue.html", context)


def model(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    offer = catalog.offer_named(owner, name)
    listing, membership = offer.listing, current_membership(request)
    card = _card(offer, pictures=0)
    balance = why_not = why_not_link = None
    if membership is None and not request.user.is_authenticated:
        why_not, why_not_link = "Sign in to run this model.", f"{reverse('account_login')}?next={request.path}"
    elif membership is None:
        why_not, why_not_link = "Found an organisation first: it holds the balance.", reverse("web:new_organization")
    elif not membership.organization.can_buy:
        why_not = f"{membership.organization.name} does not buy. Switch to an organisation that does."
    else:
        request.membership = membership  # type: ignore[attr-defined]  # the header shows whose money it is
        balance = balance_of(str(membership.organization_id), AccountKind.BUYER_PREPAID).available
        if balance < offer.price.amount:
            why_not = "The balance does not cover one run."
            why_not_link = reverse("web:console_balance", args=[membership.organization.slug])
    context = {
        "model": card
        | {
            "slug": offer.slug,
            "card_html": render_markdown(listing.model.card),
            "task_title": tasks.task_named(listing.model.task).title,
            "tags": [],
        },
        "version": listing.version,
        "versions": versions_of(listing.model),
        "price": offer.price,
        "stats": card["stats"],
        "examples": [_picture(view) for view in showcase(model_id=listing.model_id, limit=8)],
        "fields": schema_fields(listing.version.input_schema, request.GET),
        "can_run": why_not is None,
        "why_not": why_not,
        "why_not_link": why_not_link,
        "balance_micro": balance,
        "create_url": reverse("web:run", args=[owner, name]),
    }
    return render(request, "public/model.html", context)


def docs(request: HttpRequest, page: str = "index") -> HttpResponse:
    file = DOCS / f"{page}.md"
    if not DOC_NAME.fullmatch(page) or not file.is_file():
        raise Http404
    text = file.read_text(encoding="utf-8")
    title = text.split("\n", 1)[0].lstrip("# ")
    return render(request, "public/docs.html", {"title": title, "html": render_markdown(text), "page": page})


def _card(offer: Offer, *, pictures: int) -> dict[str, Any]:
    model, measured = offer.listing.model, offer.measured
    views = showcase(model_id=model.pk, limit=pictures) if pictures else []
    examples = [_picture(view) for view in views]
    return {
        "owner": model.organization.slug,
        "owner_name": model.organization.name,
        "name": model.name,
        "slug": offer.slug,
        "description": model.description,
        "license": model.license,
        "task": model.task,
        "task_title": tasks.task_named(model.task).title,
        "examples": examples,
        "cover_urls": [example["image_url"] for example in examples],
        "price": offer.price,
        "stats": {
            "runs": offer.runs,
            "success_rate": measured.success_rate,
            "p50_run_seconds": measured.p50_run_seconds,
            "p95_run_seconds": measured.p95_run_seconds,
            "p50_queue_seconds": measured.p50_queue_seconds,
            "measured_over": measured.runs,
            "since": measured.since,
            "seconds": measured.seconds,
        },
    }


def _picture(view: PredictionView) -> dict[str, Any]:
    return {
        "image_url": artifact_url(view.artifacts[0].id),
        "prompt": view.input.get("prompt", ""),
        "seed": view.input.get("seed"),
        "model": view.model,
        "prediction_id": short(view.id),
    }
