"""Reading predictions for a named party, and what the market measured."""

import json
import uuid
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, OuterRef, Prefetch, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from inference import read_models
from inference.domain.lifecycle import Origin, Status
from inference.models import (
    Example,
    InputFile,
    MarketTotals,
    ModelStats,
    Node,
    Prediction,
    Residency,
    Review,
)
from inference.read_models import PredictionView
from marketplace.core.problems import NotFound

NODE_ALIVE = timedelta(seconds=15)


def _views(sql: str, parameters: dict[str, Any]) -> list[PredictionView]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        names = [column.name for column in cursor.description or ()]
        return [PredictionView.from_row(_decoded(dict(zip(names, row, strict=True)))) for row in cursor.fetchall()]


def _decoded(row: dict[str, Any]) -> dict[str, Any]:
    """Django's connections hand JSON over as text; the async pool's hand over what it means."""
    for name in ("input", "value", "artifacts"):
        if isinstance(row[name], str):
            row[name] = json.loads(row[name])
    return row


def predictions_by_prompt(
    organization_id: uuid.UUID,
    *,
    origin: Origin,
    model_id: uuid.UUID | None = None,
    contract_id: uuid.UUID | None = None,
) -> dict[str, uuid.UUID]:
    """An organisation's predictions of one origin by their prompts, of a model, and under a contract or under none."""
    found = Prediction.objects.filter(organization=organization_id, origin=origin, contract=contract_id)
    if model_id is not None:
        found = found.filter(model=model_id)
    return dict(found.values_list("input__prompt", "id"))


def prediction_for_buyer(organization_id: uuid.UUID, prediction_id: uuid.UUID | None) -> PredictionView:
    """Raises NotFound unless the organisation has this prediction."""
    found = _views(read_models.VIEW_FOR_BUYER, {"id": prediction_id, "organization": organization_id, "key": None})
    if not found:
        raise NotFound("There is no such prediction")
    return found[0]


def predictions_for_buyer(organization_id: uuid.UUID, *, before: uuid.UUID | None, limit: int) -> list[PredictionView]:
    """The organisation's predictions, newest first, those before a given one if one is given."""
    return _views(read_models.PAGE_FOR_BUYER, {"organization": organization_id, "before": before, "limit": limit})


def calls_for_operator(
    *, call_id: uuid.UUID | None = None, organization_id: uuid.UUID | None = None, model_id: uuid.UUID | None = None
) -> QuerySet[Prediction]:
    """Calls of all organisations, of one, or of one model, newest first, or the one with this id.

    What they were given and made is left out: that is between the buyer and the model.
    """
    wanted = {"pk": call_id, "organization": organization_id, "model": model_id}
    calls = Prediction.objects.filter(**{name: id_ for name, id_ in wanted.items() if id_ is not None})
    return calls.select_related("organization", "model__organization").defer("input", "value").order_by("-id")


def call_for_operator(call_id: uuid.UUID) -> PredictionView:
    """A call of any organisation. Raises NotFound."""
    found = _views(read_models.VIEW_BY_LINK, {"id": call_id})
    if not found:
        raise NotFound("There is no such call")
    return found[0]


def predictions_under_review(organization_id: uuid.UUID, contract_id: uuid.UUID, *, limit: int) -> list[PredictionView]:
    """The organisation's predictions that wait for a verdict under a contract, oldest first."""
    return _views(read_models.UNDER_REVIEW, {"organization": organization_id, "contract": contract_id, "limit": limit})


def reviews_of(prediction_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, dict[int, Review]]:
    """The verdicts on each of these predictions, by the position of the image."""
    found: dict[uuid.UUID, dict[int, Review]] = {prediction_id: {} for prediction_id in prediction_ids}
    for review in Review.objects.select_related("user").filter(prediction__in=prediction_ids):
        found[review.prediction_id][review.position] = review
    return found


def some_predictions_for_buyer(organization_id: uuid.UUID, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, PredictionView]:
    """Those of the predictions named that the organisation has, by id."""
    views = _views(read_models.SOME_FOR_BUYER, {"organization": organization_id, "ids": list(ids)}) if ids else []
    return {view.id: view for view in views}


def input_file_for_buyer(organization_id: uuid.UUID, file_id: uuid.UUID | None) -> InputFile:
    """Raises NotFound unless the organisation has this upload and it has not expired."""
    found = input_files_for_buyer(organization_id).filter(pk=file_id).first() if file_id is not None else None
    if found is None:
        raise NotFound("There is no such file, or it has expired")
    return found


def input_files_for_buyer(organization_id: uuid.UUID) -> QuerySet[InputFile]:
    """The organisation's uploads that have not expired, newest first."""
    return InputFile.objects.filter(organization=organization_id, expires_at__gt=timezone.now()).order_by("-id")


def showcase(*, model_id: uuid.UUID | None = None, limit: int) -> list[PredictionView]:
    """The newest pictures that were made to be shown (the demo's own history), never a buyer's."""
    return _views(read_models.LATEST_PICTURES, {"model": model_id, "limit": limit})


def examples_of(version_id: str) -> list[Example]:
    """What a version made while it was inspected, in order."""
    return list(Example.objects.filter(version=version_id))


def stats_of(model_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, ModelStats]:
    """What these models' predictions measured, up to a minute ago; a model without any has empty figures."""
    found = ModelStats.objects.in_bulk(model_ids)
    return {model_id: found.get(model_id) or ModelStats(model_id=model_id) for model_id in model_ids}


def nodes_for_operator(*, models: int) -> QuerySet[Node]:
    """The nodes by id, each with `used_bytes`, and with `largest`: its residencies that take most, so many `models`."""
    largest = Residency.objects.select_related("version__model__organization").order_by("-bytes", "-since")
    used = Residency.objects.filter(node=OuterRef("pk")).order_by().values("node").annotate(sum=Sum("bytes"))
    nodes = Node.objects.annotate(used_bytes=Coalesce(Subquery(used.values("sum")), 0))
    return nodes.prefetch_related(Prefetch("residencies", largest[:models], to_attr="largest")).order_by("id")


def living_nodes() -> QuerySet[Node]:
    return Node.objects.filter(heartbeat_at__gte=timezone.now() - NODE_ALIVE)


def resident_versions() -> set[str]:
    """Versions that a living node has on its device."""
    return set(Residency.objects.filter(bytes__gt=0, node__in=living_nodes()).values_list("version_id", flat=True))


def queue_depths(*, limit: int) -> list[dict[str, Any]]:
    """The longest queues for the operator: `waiting` and `running` predictions of a version, most waiting first."""
    active = Prediction.objects.filter(status__in=[Status.STARTING, Status.PROCESSING])
    rows = active.values("version", "model__name", "model__organization__slug").annotate(
        waiting=Count("id", filter=Q(status=Status.STARTING)), running=Count("id", filter=Q(status=Status.PROCESSING))
    )
    return [dict(row) for row in rows.order_by("-waiting", "-running", "version")[:limit]]


def market_totals() -> MarketTotals:
    """Successful predictions and the files they delivered, ever, up to a minute ago."""
    return MarketTotals.objects.first() or MarketTotals(predictions=0, artifacts=0)
