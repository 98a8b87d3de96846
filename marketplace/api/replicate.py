"""Replicate's dialect: reads its requests, and builds its documents of predictions, models and versions."""

import re
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.utils import timezone

from billing.outcomes.domain import Verdict
from inference.domain.lifecycle import Status
from inference.domain.statistics import window_start
from inference.links import absolute, artifact_path, events_path, shown_input
from inference.read_models import PredictionView
from inference.services.receipts import receipt_of
from marketplace.api.shapes import answers
from marketplace.api.shapes.requests import CreatePredictionOfVersion
from marketplace.catalog.domain import Reference, parse_reference
from marketplace.catalog.services.resolution import reference_of_version
from marketplace.core.files import references_in
from marketplace.core.ids import short
from providers import tasks

if TYPE_CHECKING:
    from inference.models import Review
    from marketplace.catalog.selectors import Offer
    from providers.models import ModelVersion

WAIT = re.compile(r"(?:^|[,;\s])wait(?:=(\d{1,4}))?(?:$|[,;\s])")
MAX_WAIT_SECONDS = 60


def wait_seconds(prefer: str | None) -> int | None:
    """Seconds to wait for the result according to the `Prefer` header: 1 to 60, or None not to wait."""
    match = WAIT.search(prefer or "")
    if match is None:
        return None
    return max(1, min(int(match[1]), MAX_WAIT_SECONDS)) if match[1] else MAX_WAIT_SECONDS


def reference_in(body: CreatePredictionOfVersion) -> Reference:
    """The model for `POST /v1/predictions`. May query the database. Raises NotFound: there is no such version."""
    return parse_reference(body.version) or reference_of_version(body.version)


def review_document(review: "Review", prediction: PredictionView) -> answers.Review:
    """A verdict, with the outcome and the receipt of its prediction."""
    assert prediction.outcome is not None  # the prediction ran under a contract
    return {
        "prediction": short(prediction.id),
        "position": review.position,
        "verdict": Verdict(review.verdict),
        "reason": review.reason or None,
        "reviewed_at": review.created_at.isoformat(),
        "outcome": prediction.outcome.value,
        "receipt": receipt_of(prediction),
    }


def prediction_document(prediction: PredictionView, *, status: Status | None = None) -> answers.Prediction:
    """A prediction in the format of Replicate's clients, with its receipt.

    Args:
        status: the status to report instead of the prediction's own. An expired wait must be answered with `starting`:
            clients treat any other unfinished status as finished without output.
    """
    id_ = short(prediction.id)
    api = f"{settings.BASE_URL}/v1/predictions/{id_}"
    succeeded = prediction.status is Status.SUCCEEDED
    return {
        "id": id_,
        "model": prediction.model,
        "version": prediction.version,
        "input": _input(prediction),
        "output": _output(prediction) if succeeded else None,
        "logs": "",
        "error": prediction.error or None,
        "status": (status or prediction.status).value,
        "source": prediction.origin,
        "data_removed": False,
        "created_at": prediction.created_at.isoformat(),
        "started_at": prediction.started_at.isoformat() if prediction.started_at else None,
        "completed_at": prediction.completed_at.isoformat() if prediction.completed_at else None,
        "urls": {
            "get": api,
            "cancel": f"{api}/cancel",
            "stream": f"{api}/stream",
            "events": absolute(events_path(prediction.id)),
            "web": f"{settings.BASE_URL}/console/{prediction.organization}/predictions/{id_}",
        },
        "metrics": _metrics(prediction),
        "receipt": receipt_of(prediction),
    }


def _input(prediction: PredictionView) -> dict[str, Any]:
    """The input; files are signed links."""
    shown = shown_input(prediction.id, prediction.input)
    return shown | {field: absolute(shown[field]) for field in references_in(prediction.input)}


def _output(prediction: PredictionView) -> Any:
    """The prediction's value, or signed links to its files."""
    if prediction.value is not None:
        return prediction.value
    return [absolute(artifact_path(artifact.id)) for artifact in prediction.artifacts]


def _metrics(prediction: PredictionView) -> answers.Metrics:
    measured = {
        "predict_time": prediction.run_seconds,
        "total_time": prediction.total_seconds,
        "queue_seconds": prediction.queue_seconds,
        "load_seconds": prediction.load_seconds,
        "run_seconds": prediction.run_seconds,
        "total_seconds": prediction.total_seconds,
    }
    known = {name: round(seconds, 6) for name, seconds in measured.items() if seconds is not None}
    return cast(answers.Metrics, known)


def version_document(version: "ModelVersion") -> answers.Version:
    """A version with the schema of its input, as `openapi_schema.components.schemas.Input`."""
    output = tasks.task_named(version.model.task).output_schema
    return {
        "id": version.pk,
        "created_at": version.created_at.isoformat(),
        "cog_version": "",  # the client requires a text; models here are not packaged with Cog
        "openapi_schema": {
            "openapi": "3.1.0",
            "info": {"title": version.model.name, "version": str(version.number)},
            "paths": {},
            "components": {"schemas": {"Input": version.input_schema, "Output": output}},
        },
    }


def model_document(offer: "Offer") -> answers.Model:
    """A model on sale, with its price and measurements."""
    model, price, stats = offer.listing.model, offer.price, offer.stats
    owner = model.organization.slug
    return {
        "url": f"{settings.BASE_URL}/{owner}/{model.name}",
        "owner": owner,
        "name": model.name,
        "description": model.description,
        "visibility": "public",
        "github_url": None,
        "paper_url": None,
        "license_url": None,
        "license": model.license,
        "task": model.task,
        "run_count": stats.runs,
        "cover_image_url": None,
        "default_example": None,
        "latest_version": version_document(offer.listing.version),
        "price": {"unit": price.unit, "amount_micro": price.amount, "currency": price.currency},
        "measured": {
            "since": window_start(timezone.now()).isoformat(),
            "runs": stats.ended,
            "success_rate": stats.success_rate,
            "p50_run_seconds": stats.p50_run_seconds,
            "p95_run_seconds": stats.p95_run_seconds,
            "p50_queue_seconds": stats.p50_queue_seconds,
        },
    }
