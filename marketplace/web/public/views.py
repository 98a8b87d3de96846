"""Pages for everybody: the front page, the catalogue, a model and its playground, the documentation."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from billing.domain import AccountKind
from billing.selectors import balance_of
from inference.links import artifact_path
from inference.selectors import examples_of, market_totals, showcase
from inference.statements import PredictionView
from marketplace.accounts.models import Membership
from marketplace.catalog import selectors as catalog
from marketplace.catalog.selectors import SORTS, Offer
from marketplace.core.ids import short
from marketplace.web.access import current_membership
from marketplace.web.links import playground_path
from marketplace.web.markdown import render_documentation, render_markdown
from marketplace.web.public.forms import schema_fields
from marketplace.web.versions import example_picture, profile_of
from providers import tasks
from providers.selectors import checks_of, versions_of

DOCS = Path(__file__).resolve().parents[2] / "docs"
DOC_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,80}(/[a-z0-9][a-z0-9-]{0,80})?")


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
        "hero": _card(offers[0], pictures=12) if offers else None,
        "models": [_card(offer, pictures=4) for offer in offers[:6]],
        "market": market,
        "call": _first_call(offers[0]) if offers else None,
    }
    return render(request, "public/home.html", context)


def _first_call(offer: Offer) -> dict[str, Any]:
    """What the front page shows as code: the model's newest example, else a prompt that suits any."""
    shown = showcase(model_id=offer.listing.model_id, limit=1)
    prompt = shown[0].input.get("prompt") if shown else "a red heart on a white background"
    return {"model": offer.slug, "input": {"prompt": prompt}}


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
    balance = None
    if membership is not None:
        request.membership = membership  # type: ignore[attr-defined]  # the header shows whose money it is
        if membership.organization.can_buy:
            balance = balance_of(str(membership.organization_id), AccountKind.BUYER_PREPAID).available
    why_not = _why_not(request, membership, balance=balance, price=offer.price.amount)
    context = {
        "model": card
        | {
            "slug": offer.slug,
            "card_html": render_markdown(listing.model.card, top=3),
        },
        "version": listing.version,
        "versions": versions_of(listing.model),
        "price": offer.price,
        "stats": card["stats"],
        "examples": _examples(offer, limit=8),
        "profile": profile_of(checks_of(listing.version)),
        "fields": schema_fields(listing.version.input_schema, request.GET),
        "can_run": why_not is None,
        "why_not": why_not,
        "balance_micro": balance,
        "create_url": reverse("web:run", args=[owner, name]),
    }
    return render(request, "public/model.html", context)


def docs(request: HttpRequest, page: str = "index") -> HttpResponse:
    file = DOCS / f"{page}.md"
    if not DOC_NAME.fullmatch(page) or not file.is_file():
        raise Http404
    text = file.read_text(encoding="utf-8")
    context = {"title": doc_title(text), "html": render_documentation(text), "page": page, "groups": _doc_groups()}
    return render(request, "public/docs.html", context)


def doc_title(text: str) -> str:
    """What a page of the documentation is called: its first line."""
    return text.split("\n", 1)[0].lstrip("# ").strip()


def _doc_groups() -> list[dict[str, Any]]:
    """The pages of the documentation: those at the top, its index first, then each folder's."""
    folders = [DOCS, *sorted(folder for folder in DOCS.iterdir() if folder.is_dir())]
    return [
        {
            "title": "" if folder == DOCS else folder.name.capitalize(),
            "pages": [
                {
                    "name": str(file.relative_to(DOCS).with_suffix("")),
                    "title": doc_title(file.read_text(encoding="utf-8")),
                }
                for file in sorted(folder.glob("*.md"), key=lambda file: (file.stem != "index", file.stem))
            ],
        }
        for folder in folders
    ]


def _examples(offer: Offer, *, limit: int) -> list[dict[str, Any]]:
    """Pictures that were made to be shown, and those that the version on sale made at its checks."""
    shown = [_picture(view) for view in showcase(model_id=offer.listing.model_id, limit=limit)]
    if len(shown) >= limit:
        return shown
    made = [example_picture(example) for example in examples_of(offer.listing.version_id)]
    for example in made:
        values = {"prompt": example["prompt"], "seed": example["seed"]}
        example["url"] = playground_path(offer.slug, values)
    return (shown + [example for example in made if example["image_url"]])[:limit]


def _why_not(
    request: HttpRequest, membership: Membership | None, *, balance: int | None, price: int
) -> dict[str, str] | None:
    """Why whoever looks cannot run a model, with the link that leads on; None if they can."""
    if not request.user.is_authenticated:
        url = f"{reverse('account_login')}?{urlencode({'next': request.get_full_path()})}"
        return {"text": "Sign in to run this model; the form stays as it is.", "url": url, "label": "Sign in to run"}
    if membership is None:
        text = "An organisation holds the balance that runs are paid from."
        return {"text": text, "url": reverse("web:new_organization"), "label": "Found an organisation"}
    organization = membership.organization
    if balance is None:
        text = f"{organization.name} provides but does not buy. Switch to an organisation that buys, or found one."
        return {"text": text, "url": reverse("web:new_organization"), "label": "Found an organisation"}
    if balance < price:
        url = reverse("web:console_balance", args=[organization.slug])
        return {"text": "The balance does not cover one run.", "url": url, "label": "Top up the balance"}
    return None


def _card(offer: Offer, *, pictures: int) -> dict[str, Any]:
    model, measured = offer.listing.model, offer.measured
    examples = _examples(offer, limit=pictures) if pictures else []
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
        "image_url": artifact_path(view.artifacts[0].id),
        "url": playground_path(view.model, {"prompt": view.input.get("prompt"), "seed": view.input.get("seed")}),
        "prompt": view.input.get("prompt", ""),
        "seed": view.input.get("seed"),
        "model": view.model,
        "prediction_id": short(view.id),
    }
