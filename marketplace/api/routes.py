"""The table of the HTTP API: every method at every address, with its endpoint and its entry in the API document.

The front, Django's URL table and the OpenAPI document use this table.
"""

from functools import cache
from typing import Any

from inference.domain.conditions import MAX_KEY_LENGTH
from inference.domain.thumbnails import SIDES
from inference.services.admit import AbovePrice, ContractClosed, IdempotencyKeyReused, PriceChanged
from inference.services.review import NotUnderContract
from marketplace.api import aliases, views
from marketplace.api.conditions import CONTRACT_HEADER, IDEMPOTENCY_HEADER, PRICE_HEADER
from marketplace.api.front import artifacts, files, health, openai, predictions, streaming, uploads
from marketplace.api.front.http import Request, Response, json_response
from marketplace.api.front.hub_routes import HUB_ROUTES
from marketplace.api.front.resources import Resources
from marketplace.api.front.routing import PROBLEMS, Route
from marketplace.api.openai import PredictionFailed, StillRunning
from marketplace.api.openapi import openapi_document
from marketplace.api.operations import FORM, Access, Answer, Body, Operation, Parameter
from marketplace.api.shapes import answers, requests
from marketplace.catalog.services.aliases import AliasMoved
from marketplace.core.problems import (
    Forbidden,
    Invalid,
    NotAuthenticated,
    NotFound,
    NotUnderstood,
    PaymentRequired,
    TooLarge,
    Unavailable,
)

ANY_BYTES, EVENTS, METRICS = "application/octet-stream", "text/event-stream", "text/plain"

CONDITIONS = (
    Parameter(
        IDEMPOTENCY_HEADER,
        "header",
        "The same key and request again give the first prediction instead of a new one",
        {"type": "string", "minLength": 1, "maxLength": MAX_KEY_LENGTH},
    ),
    Parameter(PRICE_HEADER, "header", "As the field max_price; the lower one counts"),
    Parameter(CONTRACT_HEADER, "header", "As the field contract"),
)
PREFER = Parameter("Prefer", "header", "`wait` or `wait=seconds`: answer when the prediction has ended, at most 60 s")
CURSOR = Parameter("cursor", "query", "As `next` of another page has it")
LINK = (
    Parameter("expires", "query", "Of a signed link"),
    Parameter("signature", "query", "Of a signed link"),
)
RANGE = (
    Parameter("Range", "header", "The bytes that are wanted, such as bytes=0-1023"),
    Parameter("If-None-Match", "header", "The ETag of what is there already"),
)
SIZE = Parameter(
    "size",
    "query",
    "The longer side of a thumbnail in pixels; without it, the original",
    {"type": "integer", "enum": list(SIDES)},
)
LAST_EVENT = Parameter("Last-Event-ID", "header", "The last event that came; what followed is sent again")

OWN = (NotAuthenticated, NotFound, Unavailable)
CALL = (
    NotUnderstood,
    NotAuthenticated,
    PaymentRequired,
    Forbidden,
    NotFound,
    PriceChanged,
    ContractClosed,
    IdempotencyKeyReused,
    TooLarge,
    Invalid,
    AbovePrice,
    Unavailable,
)
UPLOADING = (NotUnderstood, NotAuthenticated, Forbidden, TooLarge, Invalid, Unavailable)


CREATED = {
    201: Answer("The prediction", answers.Prediction),
    202: Answer("The prediction, which outlasts the wait", answers.Prediction),
}


def _file(description: str) -> dict[int, Answer]:
    return {
        200: Answer(description, media_type=ANY_BYTES),
        206: Answer("The bytes that were asked for", media_type=ANY_BYTES),
        304: Answer("What the client has is still right", media_type=None),
        416: Answer("There are no such bytes", media_type=None),
    }


PREDICTIONS = (
    Route(
        ("POST",),
        "/v1/models/{owner}/{name}/predictions",
        predictions.create,
        Operation(
            "predictions_create_by_model",
            CREATED,
            body=Body(requests.CreatePrediction),
            parameters=(PREFER, *CONDITIONS),
            refusals=CALL,
        ),
    ),
    Route(
        ("POST",),
        "/v1/predictions",
        predictions.create,
        Operation(
            "predictions_create",
            CREATED,
            body=Body(requests.CreatePredictionOfVersion),
            parameters=(PREFER, *CONDITIONS),
            refusals=CALL,
        ),
    ),
    Route(
        ("GET", "HEAD"),
        "/v1/predictions",
        views.Predictions,
        Operation(
            "predictions_list",
            {200: Answer("A page of predictions", answers.PredictionPage)},
            parameters=(CURSOR,),
            refusals=(NotAuthenticated, Invalid, Unavailable),
        ),
    ),
    Route(
        ("GET",),
        "/v1/predictions/{id}",
        predictions.get,
        Operation("predictions_get", {200: Answer("The prediction", answers.Prediction)}, refusals=OWN),
    ),
    Route(
        ("POST",),
        "/v1/predictions/{id}/cancel",
        predictions.cancel,
        Operation("predictions_cancel", {200: Answer("The prediction", answers.Prediction)}, refusals=OWN),
    ),
    Route(
        ("POST",),
        "/v1/predictions/{id}/reviews",
        views.Reviews,
        Operation(
            "reviews_create",
            {
                201: Answer("The verdict", answers.Review),
                200: Answer("The same verdict, which was given before", answers.Review),
            },
            body=Body(requests.GiveVerdict),
            refusals=(NotUnderstood, NotAuthenticated, Forbidden, NotFound, NotUnderContract, Invalid, Unavailable),
        ),
    ),
    Route(
        ("GET",),
        "/v1/predictions/{id}/stream",
        streaming.stream,
        Operation(
            "predictions_stream",
            {200: Answer("Events `logs`, `output`, `error`, `done`", media_type=EVENTS)},
            parameters=LINK,
            refusals=OWN,
            access=Access.KEY_OR_LINK,
        ),
    ),
    Route(
        ("GET",),
        "/v1/predictions/{id}/events",
        streaming.events,
        Operation(
            "predictions_events",
            {200: Answer("Events `state`, `progress`, `ping`, `done`", media_type=EVENTS)},
            parameters=(LAST_EVENT, *LINK),
            refusals=OWN,
            access=Access.KEY_OR_LINK,
        ),
    ),
    Route(
        ("GET", "HEAD"),
        "/v1/predictions/{id}/inputs/{field:word}",
        files.prediction_input,
        Operation(
            "predictions_input",
            _file("The picture that the prediction was given"),
            parameters=(SIZE, *RANGE, *LINK),
            refusals=(*OWN, Invalid),
            access=Access.KEY_OR_LINK,
        ),
    ),
)

FILES = (
    Route(
        ("POST",),
        "/v1/files",
        files.upload,
        Operation(
            "files_create",
            {201: Answer("The upload", answers.File)},
            body=Body(requests.UploadFile, FORM),
            refusals=UPLOADING,
        ),
    ),
    Route(
        ("GET", "HEAD"),
        "/v1/files",
        views.Files,
        Operation(
            "files_list",
            {200: Answer("A page of the uploads", answers.FilePage)},
            parameters=(CURSOR,),
            refusals=(NotAuthenticated, Invalid, Unavailable),
        ),
    ),
    Route(
        ("GET", "HEAD"),
        "/v1/files/{id}",
        views.File,
        Operation("files_get", {200: Answer("The upload", answers.File)}, refusals=OWN),
    ),
    Route(
        ("DELETE",),
        "/v1/files/{id}",
        views.File,
        Operation("files_delete", {204: Answer("It is forgotten", media_type=None)}, refusals=OWN),
    ),
    Route(
        ("GET", "HEAD"),
        "/v1/files/{id}/download",
        files.download,
        Operation(
            "files_download",
            _file("The upload's bytes"),
            parameters=(SIZE, *RANGE, *LINK),
            refusals=(*OWN, Invalid),
            access=Access.KEY_OR_LINK,
        ),
    ),
    Route(
        ("POST",),
        "/v1/uploads/{organization}",
        files.upload_by_link,
        Operation(
            "files_create_by_link",
            {201: Answer("The upload", answers.File)},
            body=Body(requests.UploadFile, FORM),
            parameters=LINK,
            refusals=UPLOADING,
            access=Access.LINK,
        ),
    ),
    Route(
        ("GET", "HEAD"),
        "/artifacts/{id}",
        artifacts.download,
        Operation(
            "artifacts_download",
            _file("A file that a model made"),
            parameters=(SIZE, *RANGE, *LINK),
            refusals=(Forbidden, NotFound, Invalid, Unavailable),
            access=Access.LINK,
        ),
    ),
    Route(
        ("PUT",),
        "/uploads/{id}",
        uploads.put,
        Operation(
            "drafts_put_file",
            {200: Answer("The file has come", answers.DraftFile)},
            body=Body(None, ANY_BYTES),
            parameters=(Parameter("path", "query", "Of the file in the draft", required=True), *LINK),
            refusals=(Forbidden, NotFound, TooLarge, Invalid, Unavailable),
            access=Access.LINK,
        ),
    ),
)

MODELS = (
    Route(
        ("GET", "HEAD"),
        "/v1/models",
        views.Models,
        Operation("models_list", {200: Answer("The models", answers.ModelPage)}, access=Access.ANYBODY),
    ),
    # Replicate's clients search with this method, which OpenAPI 3.1 does not support.
    Route(("QUERY",), "/v1/models", views.Models),
    Route(
        ("GET", "HEAD"),
        "/v1/models/{owner}/{name}",
        views.Model,
        Operation("models_get", {200: Answer("The model", answers.Model)}, refusals=(NotFound,), access=Access.ANYBODY),
    ),
    Route(
        ("GET", "HEAD"),
        "/v1/models/{owner}/{name}/versions",
        views.Versions,
        Operation(
            "versions_list",
            {200: Answer("A page of the versions", answers.VersionPage)},
            parameters=(CURSOR,),
            refusals=(NotFound, Invalid),
            access=Access.ANYBODY,
        ),
    ),
    Route(
        ("GET", "HEAD"),
        "/v1/models/{owner}/{name}/versions/{version}",
        views.Version,
        Operation(
            "versions_get", {200: Answer("The version", answers.Version)}, refusals=(NotFound,), access=Access.ANYBODY
        ),
    ),
)

ACCOUNT = (
    Route(
        ("GET", "HEAD"),
        "/v1/aliases",
        aliases.Aliases,
        Operation(
            "aliases_list",
            {200: Answer("A page of the aliases", answers.AliasPage)},
            parameters=(CURSOR,),
            refusals=(*OWN, Invalid),
        ),
    ),
    Route(
        ("PUT",),
        "/v1/aliases/{name}",
        aliases.Alias,
        Operation(
            "aliases_put",
            {200: Answer("The alias, moved", answers.Alias), 201: Answer("The alias, made", answers.Alias)},
            body=Body(requests.PutAlias),
            refusals=(NotUnderstood, NotAuthenticated, NotFound, AliasMoved, Invalid, Unavailable),
        ),
    ),
    Route(
        ("DELETE",),
        "/v1/aliases/{name}",
        aliases.Alias,
        Operation("aliases_delete", {204: Answer("It is gone", media_type=None)}, refusals=OWN),
    ),
    Route(
        ("GET", "HEAD"),
        "/v1/account",
        views.Account,
        Operation("account_get", {200: Answer("The account", answers.Account)}, refusals=OWN),
    ),
    Route(
        ("GET", "HEAD"),
        "/v1/receipts/keys",
        views.ReceiptKeys,
        Operation("receipt_keys_list", {200: Answer("The keys", answers.ReceiptKeys)}, access=Access.ANYBODY),
    ),
)

OPENAI = (
    Route(
        ("POST",),
        "/openai/v1/images/generations",
        openai.generate,
        Operation(
            "openai_generate",
            {200: Answer("The pictures", answers.Images)},
            body=Body(requests.GenerateImages),
            parameters=CONDITIONS,
            refusals=(*CALL, PredictionFailed, StillRunning),
        ),
        openai.DIALECT,
    ),
    Route(
        ("POST",),
        "/openai/v1/images/edits",
        openai.edit,
        Operation(
            "openai_edit",
            {200: Answer("The pictures", answers.Images)},
            body=Body(requests.EditImages, FORM),
            parameters=CONDITIONS,
            refusals=(*CALL, PredictionFailed, StillRunning),
        ),
        openai.DIALECT,
    ),
    Route(
        ("GET",),
        "/openai/v1/models",
        openai.models,
        Operation(
            "openai_models",
            {200: Answer("The models", answers.OpenAIModels)},
            refusals=(NotAuthenticated, Unavailable),
        ),
        openai.DIALECT,
    ),
    Route(
        ("GET",),
        "/openai/v1/models/{owner}/{name}",
        openai.model,
        Operation("openai_model", {200: Answer("The model", answers.OpenAIModel)}, refusals=OWN),
        openai.DIALECT,
    ),
)


async def schema(request: Request, resources: Resources) -> Response:
    """This document: the HTTP API in the form of OpenAPI 3.1."""
    return json_response(document())


SITE = (
    Route(
        ("GET", "HEAD"),
        "/healthz",
        health.healthz,
        Operation(
            "healthz",
            {200: Answer("All is well", answers.Health), 503: Answer("Something is not", answers.Health)},
            refusals=(Unavailable,),
            access=Access.ANYBODY,
        ),
    ),
    Route(
        ("GET", "HEAD"),
        "/readyz",
        health.readyz,
        Operation(
            "readyz",
            {200: Answer("Requests are taken", answers.Health), 503: Answer("They are not", answers.Health)},
            refusals=(Unavailable,),
            access=Access.ANYBODY,
        ),
    ),
    Route(
        ("GET",),
        "/metrics",
        health.metrics,
        Operation(
            "metrics", {200: Answer("The figures", media_type=METRICS)}, refusals=(Unavailable,), access=Access.ANYBODY
        ),
    ),
    Route(
        ("GET", "HEAD"),
        "/api/schema/",
        schema,
        Operation("schema", {200: Answer("The OpenAPI document", dict[str, Any])}, access=Access.ANYBODY),
    ),
)

ROUTES = (*PREDICTIONS, *FILES, *MODELS, *ACCOUNT, *OPENAI, *SITE, *HUB_ROUTES)
# Below these addresses there are only the table's routes, never a page.
ROOTS = {"/v1": PROBLEMS, "/openai/v1": openai.DIALECT, "/api": PROBLEMS}


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document of all routes with an operation."""
    return openapi_document(ROUTES)
