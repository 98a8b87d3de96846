"""The front page."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from inference.selectors import market_totals
from marketplace.catalog import search as catalog
from marketplace.catalog.selectors import Offer
from marketplace.web.public.forms import PromptForm
from marketplace.web.shared.cards import example_call, model_card, model_cards

SHOWN_MODELS = 6
HERO_TASK = "text-to-image"
SAMPLE_PROMPT = "a red star on a white background"


def home(request: HttpRequest) -> HttpResponse:
    """The front page."""
    offers = catalog.most_used(size=SHOWN_MODELS)
    hero = _hero(offers)
    totals = market_totals()
    models, providers = catalog.market_size()
    context = {
        "hero": hero,
        "form": PromptForm(example=_example_prompt(hero)) if hero else None,
        "models": model_cards(offers, pictures=4),
        "market": {
            "models": models,
            "providers": providers,
            "predictions": totals.predictions,
            "artifacts": totals.artifacts,
        },
        "most_models": catalog.MAX_MODELS_COUNTED,
        "most_providers": catalog.MAX_COUNT,
        "call": _first_call(offers) if offers else None,
    }
    return render(request, "public/home.html", context)


def _hero(offers: Sequence[Offer]) -> dict[str, Any] | None:
    """The most used text-to-image model, for the front page's prompt; None without one."""
    among = (one for one in offers if one.listing.model.task == HERO_TASK)
    offer = next(among, None) or next(iter(catalog.most_used(size=1, task=HERO_TASK)), None)
    return model_card(offer, pictures=12) if offer is not None else None


def _example_prompt(hero: dict[str, Any]) -> str:
    """The prompt of one of the model's examples, else a general one."""
    return next((str(example["prompt"]) for example in hero["examples"] if example["prompt"]), SAMPLE_PROMPT)


def _first_call(offers: Sequence[Offer]) -> dict[str, Any]:
    """The front page's call as code: of a model that requires only a prompt, if there is one."""
    takes_prompts = (one for one in offers if one.listing.version.input_schema["required"] == ["prompt"])
    return example_call(next(takes_prompts, offers[0]))
