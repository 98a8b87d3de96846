"""The front page."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from inference.selectors import market_totals
from marketplace.catalog import selectors as catalog
from marketplace.catalog.selectors import Offer
from marketplace.web.public.forms import PromptForm
from marketplace.web.shared.cards import example_call, model_card

SAMPLE_PROMPT = "a red star on a white background"


def home(request: HttpRequest) -> HttpResponse:
    """The front page."""
    offers = catalog.offers()
    totals = market_totals()
    market = {
        "models": len(offers),
        "providers": len({offer.listing.model.organization_id for offer in offers}),
        "predictions": totals.predictions,
        "artifacts": totals.artifacts,
    }
    hero = _hero(offers)
    context = {
        "hero": hero,
        "form": PromptForm(example=_example_prompt(hero)) if hero else None,
        "models": [model_card(offer, pictures=4) for offer in offers[:6]],
        "market": market,
        "call": _first_call(offers) if offers else None,
    }
    return render(request, "public/home.html", context)


def _hero(offers: Sequence[Offer]) -> dict[str, Any] | None:
    """The most used text-to-image model, for the front page's prompt; None without one."""
    offer = next((one for one in offers if one.listing.model.task == "text-to-image"), None)
    return model_card(offer, pictures=12) if offer is not None else None


def _example_prompt(hero: dict[str, Any]) -> str:
    """The prompt of one of the model's examples, else a general one."""
    return next((str(example["prompt"]) for example in hero["examples"] if example["prompt"]), SAMPLE_PROMPT)


def _first_call(offers: Sequence[Offer]) -> dict[str, Any]:
    """The front page's call as code: of a model that requires only a prompt, if there is one."""
    takes_prompts = (one for one in offers if one.listing.version.input_schema["required"] == ["prompt"])
    return example_call(next(takes_prompts, offers[0]))
