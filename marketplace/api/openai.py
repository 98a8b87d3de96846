"""OpenAI's image dialect: reads its requests, and builds its answers and refusals."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from inference.links import absolute, artifact_path
from inference.read_models import PredictionView
from marketplace.api.replicate import prediction_document
from marketplace.api.shapes import answers
from marketplace.api.shapes.requests import EditImages, GenerateImages
from marketplace.catalog.domain import Reference, parse_reference
from marketplace.core.ids import short
from marketplace.core.problems import FieldError, Problem
from marketplace.core.shapes import error_of, errors_in, read, refused

if TYPE_CHECKING:
    from marketplace.catalog.models import Listing

SIZE = re.compile(r"(\d{1,5})x(\d{1,5})", re.ASCII)
NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,15})?", re.ASCII)
FORMATS = {"png": "png", "jpeg": "jpg", "webp": "webp"}
# Fields of OpenAI's own models that models here ignore.
WITHOUT_EFFECT = frozenset(
    {"user", "quality", "style", "background", "moderation", "output_compression", "input_fidelity", "partial_images"}
)
NO_INPUT = WITHOUT_EFFECT | frozenset(GenerateImages.__struct_fields__)


class PredictionFailed(Problem):
    """The model did not make the pictures. The headers tell the client not to retry: the caller decides."""

    status, kind, title = 500, "prediction-failed", "The prediction failed"

    def headers(self) -> Mapping[str, str]:
        return {"x-should-retry": "false"}


class StillRunning(PredictionFailed):
    """The prediction has not ended within the maximum wait."""

    status, kind, title = 504, "still-running", "The prediction takes longer than this answer can wait"


def image_request(sent: Mapping[str, Any]) -> tuple[GenerateImages, Reference, dict[str, Any]]:
    """The body, the model and the model's inputs of a `POST /images/generations`.

    Fields that are not OpenAI's, such as `seed` (clients send them as `extra_body`), are inputs of the model.

    Raises:
        Invalid: a field cannot be understood. The inputs are checked later, against the model's schema.
    """
    errors = errors_in(sent, GenerateImages)
    if sent.get("stream"):
        errors.append(FieldError("stream", "is not to be had here; follow urls.events of a prediction instead"))
    if errors:
        raise refused(GenerateImages, errors)
    body = read(sent, GenerateImages)
    reference = parse_reference(body.model)
    if reference is None:
        raise refused(GenerateImages, [error_of(GenerateImages, "model")])
    inputs = {name: value for name, value in sent.items() if name not in NO_INPUT}
    if body.prompt is not UNSET:
        inputs["prompt"] = body.prompt
    if body.n is not None:
        inputs["num_outputs"] = body.n
    if match := SIZE.fullmatch(body.size or ""):
        inputs |= {"width": int(match[1]), "height": int(match[2])}
    if body.output_format is not None:
        inputs["output_format"] = FORMATS[body.output_format]
    return body, reference, inputs


def check_edit(*, pictures: int, mask: bool) -> None:
    """Raises Invalid unless `POST /images/edits` has exactly one picture and no mask."""
    errors = []
    if pictures != 1:
        errors.append(FieldError("image", f"must be one picture, not {pictures}"))
    if mask:
        errors.append(FieldError("mask", "is not to be had here; the models change the whole picture"))
    if errors:
        raise refused(EditImages, errors)


def form_body(fields: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a form for `image_request`: `n` becomes a number, and a false `stream` is dropped."""
    body: dict[str, Any] = dict(fields)
    if "n" in body and body["n"].isascii() and body["n"].isdigit() and len(body["n"]) < 6:
        body["n"] = int(body["n"])
    if body.get("stream", "").lower() == "false":
        del body["stream"]
    return body


def typed(inputs: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """A form's texts, converted to the types in a model's schema; others are unchanged, and the schema refuses them."""
    return {name: _typed(value, schema["properties"].get(name, {}).get("type")) for name, value in inputs.items()}


def _typed(value: Any, wanted: Any) -> Any:
    if not isinstance(value, str):
        return value
    kinds = [wanted] if isinstance(wanted, str) else list(wanted or ())
    if "boolean" in kinds and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if {"integer", "number"} & set(kinds) and NUMBER.fullmatch(value):
        return int(value) if value.lstrip("-").isdigit() else float(value)
    return value


def check_ended_well(prediction: PredictionView) -> None:
    """Raises PredictionFailed or StillRunning unless the prediction has made its pictures."""
    id_ = short(prediction.id)
    if not prediction.status.is_final:
        raise StillRunning(f"It goes on as prediction {id_}; ask GET /v1/predictions/{id_} for it.")
    if prediction.value is not None:
        raise PredictionFailed(f"This model answers with a value, not with pictures; prediction {id_} has it.")
    if not prediction.artifacts:
        reason = prediction.error or prediction.status.value
        raise PredictionFailed(f"{reason} Nothing is charged. The prediction's id is {id_}.")


def images_document(
    prediction: PredictionView, encoded: Sequence[str], *, response_format: str | None
) -> answers.Images:
    """The answer of `POST /images/generations` and `/images/edits`.

    Args:
        encoded: the pictures in base64, in order.
        response_format: the requested format. Without one, both formats are sent, because which one a client expects
            depends on the model that it was written for.
    """
    data: list[answers.Image] = []
    for artifact, text in zip(prediction.artifacts, encoded, strict=True):
        image: answers.Image = {}
        if response_format != "b64_json":
            image["url"] = absolute(artifact_path(artifact.id))
        if response_format != "url":
            image["b64_json"] = text
        data.append(image)
    inputs, first = prediction.input, prediction.artifacts[0]
    document = prediction_document(prediction)
    return {
        "created": int(prediction.created_at.timestamp()),
        "data": data,
        "output_format": {ours: theirs for theirs, ours in FORMATS.items()}.get(str(inputs.get("output_format"))),
        "size": f"{first.width}x{first.height}" if first.width and first.height else None,
        "prediction": {
            "id": document["id"],
            "metrics": document["metrics"],
            "receipt": document["receipt"],
            "urls": document["urls"],
        },
    }


def model_document(listing: "Listing") -> answers.OpenAIModel:
    """A model on sale, in the format of `GET /models`."""
    model = listing.model
    return {
        "id": listing.slug,
        "object": "model",
        "created": int(model.created_at.timestamp()),
        "owned_by": model.organization.slug,
    }


def error_document(problem: Problem) -> answers.OpenAIError:
    """A refusal in the format of OpenAI's clients."""
    return {
        "error": {
            "message": problem.detail,
            "type": "server_error" if problem.status >= 500 else "invalid_request_error",
            "param": problem.errors[0].field if problem.errors else None,
            "code": problem.kind.replace("-", "_"),
        }
    }
