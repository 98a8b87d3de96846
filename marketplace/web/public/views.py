"""Pages for everybody: the front page, the catalogue, a model and its playground, the documentation."""

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from billing.ledger.domain import AccountKind
from billing.ledger.selectors import balance_of
from billing.outcomes.selectors import contracts_in_force
from inference.domain.rating import RatedCall
from inference.links import artifact_path, input_path, upload_path
from inference.selectors import examples_of, market_totals, showcase
from inference.services.estimates import estimate
from inference.statements import PredictionView
from marketplace.accounts.domain import is_name
from marketplace.accounts.models import Membership
from marketplace.accounts.selectors import caller_by_member, organizations_of
from marketplace.benchmarks.domain.states import COMPARED_TASK
from marketplace.catalog import selectors as catalog
from marketplace.catalog.domain import sku_of
from marketplace.catalog.models import Alias
from marketplace.catalog.selectors import SORTS, Offer
from marketplace.catalog.services.resolution import input_check
from marketplace.core.files import references_in
from marketplace.core.ids import short
from marketplace.core.problems import Invalid
from marketplace.web.access import current_membership
from marketplace.web.calls import answers_with_value, code_call
from marketplace.web.links import playground_path
from marketplace.web.markdown import render_documentation, render_markdown
from marketplace.web.public.forms import schema_fields, typed_values
from marketplace.web.public.playground import estimate_texts
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
        "hero": _hero(offers),
        "models": [_card(offer, pictures=4) for offer in offers[:6]],
        "market": market,
        "call": _first_call(offers) if offers else None,
    }
    return render(request, "public/home.html", context)


def _hero(offers: Sequence[Offer]) -> dict[str, Any] | None:
    """The most used model that makes pictures from a prompt, which is what the front page asks for."""
    offer = next((one for one in offers if one.listing.model.task == "text-to-image"), None)
    return _card(offer, pictures=12) if offer is not None else None


def _first_call(offers: Sequence[Offer]) -> dict[str, Any]:
    """What the front page shows as code: a call of a model that takes a prompt alone."""
    takes_prompts = (one for one in offers if one.listing.version.input_schema["required"] == ["prompt"])
    return example_call(next(takes_prompts, offers[0]))


def example_call(offer: Offer, *, called: str | None = None) -> dict[str, Any]:
    """A call to show as code, of a model or its alias `called`: its newest example, else a prompt that suits any."""
    fields = schema_fields(offer.listing.version.input_schema, {})
    shown = showcase(model_id=offer.listing.model_id, limit=1)
    prompt = shown[0].input.get("prompt") if shown else "a red heart on a white background"
    chosen = {"prompt": prompt} if prompt else {}
    return code_call(called or offer.slug, task=offer.listing.model.task, fields=fields, chosen=chosen)


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
    if alias := _own_alias(request, owner, name):
        return redirect("web:model", alias.model.organization.slug, alias.model.name)
    offer = catalog.offer_named(owner, name)
    listing, membership = offer.listing, current_membership(request)
    card = _card(offer, pictures=0)
    balance = None
    if membership is not None:
        request.membership = membership  # type: ignore[attr-defined]  # the header shows whose money it is
        if membership.organization.can_buy:
            balance = balance_of(str(membership.organization_id), AccountKind.BUYER_PREPAID).available
    examples = _examples(offer, limit=8)
    rated = _opening_estimate(offer, membership, request.GET.dict() or (examples[0]["input"] if examples else {}))
    why_not = _why_not(request, membership, balance=balance, price=rated.amount or 0)
    fields = schema_fields(listing.version.input_schema, request.GET)
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
        "estimate": estimate_texts(offer.price, rated),
        "estimate_url": reverse("web:estimate", args=[owner, name]),
        "examples": examples,
        "profile": profile_of(checks_of(listing.version)),
        "fields": fields,
        "contracts": _contracts(membership, listing.model_id),
        "asked_contract": request.GET.get("contract", ""),
        "has_advanced": any(field["advanced"] for field in fields),
        "takes_file": any(field["type"] == "file" for field in fields),
        "answers_with_value": answers_with_value(listing.model.task),
        "upload_url": upload_path(membership.organization_id) if membership is not None and balance is not None else "",
        "can_run": why_not is None,
        "why_not": why_not,
        "balance_micro": balance,
        "create_url": reverse("web:run", args=[owner, name]),
        "benchmark_url": _benchmark_path(offer, membership),
    }
    return render(request, "public/model.html", context)


def _opening_estimate(offer: Offer, membership: Membership | None, given: Mapping[str, Any]) -> RatedCall:
    """What a run costs with the inputs that the page opens with; where those are wrong, with the defaults."""
    version = offer.listing.version
    inputs = typed_values(version.input_schema, given)
    caller = caller_by_member(membership.user, membership.organization) if membership is not None else None
    task, check = tasks.task_named(offer.listing.model.task), input_check(version.pk)
    try:
        return estimate(task=task, check=check, terms=offer.price, inputs=inputs, caller=caller)
    except Invalid:
        return estimate(task=task, check=check, terms=offer.price, inputs={})


def _own_alias(request: HttpRequest, owner: str, name: str) -> Alias | None:
    """The alias at this address, for members of the organisation whose it is."""
    if not request.user.is_authenticated:
        return None
    organization = organizations_of(request.user).filter(slug__iexact=owner).first() if is_name(owner) else None
    return catalog.alias_named(owner, name, organization.pk) if organization else None


def _benchmark_path(offer: Offer, membership: Membership | None) -> str | None:
    """Where a member benchmarks the model on prompts of their own; None for who cannot, or a task without votes."""
    if membership is None or not membership.organization.can_buy or offer.listing.model.task != COMPARED_TASK:
        return None
    address = reverse("web:console_new_benchmark", args=[membership.organization.slug])
    return f"{address}?{urlencode({'model': offer.slug})}"


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
        if any(folder.glob("*.md"))
    ]


def _examples(offer: Offer, *, limit: int) -> list[dict[str, Any]]:
    """Pictures that were made to be shown, and those that the version on sale made at its checks."""
    shown = [_picture(view) for view in showcase(model_id=offer.listing.model_id, limit=limit)]
    if len(shown) >= limit:
        return shown
    for example in map(example_picture, examples_of(offer.listing.version_id)):
        kept = {name: example[name] for name in ("prompt", "seed") if example[name] not in ("", None)}
        link = {"url": playground_path(offer.slug, kept), "input": kept, "input_json": json.dumps(kept)}
        if example["image_url"]:
            shown.append(example | link | {"before_url": ""})
    return shown[:limit]


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


def _contracts(membership: Membership | None, model_id: uuid.UUID) -> list[dict[str, Any]]:
    """Contracts under which whoever looks may run the model, paying for accepted images only."""
    if membership is None:
        return []
    found = contracts_in_force(str(membership.organization_id), sku_of(model_id))
    return [{"id": short(contract.pk), "price": contract.offer.price, "offer": contract.offer} for contract in found]


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
    files = {field: input_path(view.id, field) for field in references_in(view.input)}
    kept = {name: view.input[name] for name in ("prompt", "seed") if view.input.get(name) is not None} | files
    return {
        "image_url": artifact_path(view.artifacts[0].id),
        "before_url": next(iter(files.values()), ""),
        "url": playground_path(view.model, kept),
        "input": kept,
        "input_json": json.dumps(kept),
        "prompt": view.input.get("prompt", ""),
        "seed": view.input.get("seed"),
        "model": view.model,
        "prediction_id": short(view.id),
    }
