"""Contexts of models on sale for several pages: cards, pictures, and a call as code."""

import json
from typing import Any

from django.utils import timezone

from inference.domain.statistics import window_start
from inference.links import artifact_path, input_path
from inference.read_models import PredictionView
from inference.selectors import examples_of, showcase
from marketplace.catalog.selectors import Offer
from marketplace.core.files import references_in
from marketplace.core.ids import short
from marketplace.web.shared.calls import code_call
from marketplace.web.shared.inputs import schema_fields
from marketplace.web.shared.links import playground_path
from marketplace.web.shared.pictures import thumbnail
from marketplace.web.shared.versions import example_picture
from providers import tasks


def example_call(offer: Offer, *, called: str | None = None) -> dict[str, Any]:
    """A call as code, of a model or its alias `called`, with the prompt of its newest picture, else a general one."""
    fields = schema_fields(offer.listing.version.input_schema, {})
    shown = showcase(model_id=offer.listing.model_id, limit=1)
    prompt = shown[0].input.get("prompt") if shown else "a red heart on a white background"
    chosen = {"prompt": prompt} if prompt else {}
    return code_call(called or offer.slug, task=offer.listing.model.task, fields=fields, chosen=chosen)


def examples_shown(offer: Offer, *, limit: int) -> list[dict[str, Any]]:
    """The model's showcase pictures, then those from the checks of the version on sale."""
    shown = [picture_of(view) for view in showcase(model_id=offer.listing.model_id, limit=limit)]
    if len(shown) >= limit:
        return shown
    for example in map(example_picture, examples_of(offer.listing.version_id)):
        kept = {name: example[name] for name in ("prompt", "seed") if example[name] not in ("", None)}
        link = {"url": playground_path(offer.slug, kept), "input": kept, "input_json": json.dumps(kept)}
        if example["image_url"]:
            shown.append(example | link | {"before_url": ""})
    return shown[:limit]


def model_card(offer: Offer, *, pictures: int) -> dict[str, Any]:
    """The context of a model on sale for lists and its page, with at most `pictures` examples."""
    model = offer.listing.model
    examples = examples_shown(offer, limit=pictures) if pictures else []
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
        "covers": [example["thumbnail"] for example in examples],
        "price": offer.price,
        "stats": offer.stats,
        "measured_since": window_start(timezone.now()),
    }


def picture_of(view: PredictionView) -> dict[str, Any]:
    """A showcase picture with its inputs."""
    files = {field: input_path(view.id, field) for field in references_in(view.input)}
    artifact = view.artifacts[0]
    path = artifact_path(artifact.id)
    kept = {name: view.input[name] for name in ("prompt", "seed") if view.input.get(name) is not None} | files
    return {
        "image_url": path,
        "thumbnail": thumbnail(path, width=artifact.width, height=artifact.height),
        "before_url": next(iter(files.values()), ""),
        "url": playground_path(view.model, kept),
        "input": kept,
        "input_json": json.dumps(kept),
        "prompt": view.input.get("prompt", ""),
        "seed": view.input.get("seed"),
        "model": view.model,
        "prediction_id": short(view.id),
    }
