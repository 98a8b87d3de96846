"""The front's routes in the OpenAPI document, which otherwise knows only Django's views."""

import inspect
import re
from typing import Any

from inference.domain.conditions import MAX_KEY_LENGTH
from marketplace.api.authentication import SCHEME_NAME
from marketplace.api.conditions import CONTRACT_HEADER, IDEMPOTENCY_HEADER, PRICE_HEADER
from marketplace.api.front.app import ROUTES

PROBLEM = {
    "description": "A refusal, as RFC 7807 has it: what was wrong and what to do",
    "content": {"application/problem+json": {"schema": {"type": "object"}}},
}
MAX_PRICE = {
    "type": ["string", "number"],
    "description": "The most that the call may cost, in the market's currency; it is refused if it may cost more",
}
CONTRACT = {"type": "string", "description": "The outcome contract to run under: only accepted images are paid for"}
CONDITIONS = [
    {
        "name": IDEMPOTENCY_HEADER,
        "in": "header",
        "schema": {"type": "string", "maxLength": MAX_KEY_LENGTH},
        "description": "The same key and request again give the first prediction instead of a new one",
    },
    {"name": PRICE_HEADER, "in": "header", "schema": {"type": "string"}, "description": "As the field max_price"},
    {"name": CONTRACT_HEADER, "in": "header", "schema": {"type": "string"}, "description": "As the field contract"},
]
CREATE = {
    "type": "object",
    "required": ["input"],
    "properties": {
        "version": {"type": "string", "description": "A version's id, owner/name or owner/name:version"},
        "input": {"type": "object", "description": "As the version's Input schema says"},
        "max_price": MAX_PRICE,
        "contract": CONTRACT,
    },
}

GENERATE = {
    "type": "object",
    "required": ["model", "prompt"],
    "properties": {
        "model": {"type": "string", "description": "owner/name, with :version if it is to be a certain one"},
        "prompt": {"type": "string"},
        "n": {"type": "integer", "minimum": 1},
        "size": {"type": "string", "description": "auto, or width and height in pixels such as 128x128"},
        "output_format": {"type": "string", "enum": ["png", "jpeg", "webp"]},
        "response_format": {
            "type": "string",
            "enum": ["url", "b64_json"],
            "description": "both, unless one is asked for",
        },
        "max_price": MAX_PRICE,
        "contract": CONTRACT,
    },
    "additionalProperties": {"description": "Further fields of the model's own input schema, such as seed"},
}
UPLOAD = {
    "type": "object",
    "required": ["content"],
    "properties": {
        "content": {"type": "string", "format": "binary", "description": "A PNG, JPEG or WebP picture"},
        "metadata": {"type": "string", "description": "A JSON object, given back as it is"},
    },
}
EDIT = {
    "type": "object",
    "required": ["model", "image", "prompt"],
    "properties": GENERATE["properties"] | {"image": {"type": "string", "format": "binary"}},  # type: ignore[operator]
    "additionalProperties": GENERATE["additionalProperties"],
}
OPENAI_ERROR = {
    "description": "A refusal, as OpenAI's clients read it",
    "content": {"application/json": {"schema": {"type": "object"}}},
}


def without_query(endpoints: list[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    """drf-spectacular preprocessing hook: OpenAPI knows no QUERY, and drf-spectacular fails on it."""
    return [endpoint for endpoint in endpoints if endpoint[2] != "QUERY"]


def add_front_routes(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """drf-spectacular postprocessing hook: adds the front's routes that are documented there."""
    for route in (route for route in ROUTES if route.documented):
        for method in route.methods:
            if method != "HEAD":
                result["paths"].setdefault(route.template, {})[method.lower()] = _operation(
                    method, route.template, route.handler
                )
    return result


def _operation(method: str, template: str, handler: Any) -> dict[str, Any]:
    names = re.findall(r"\{(\w+)\}", template)
    operation: dict[str, Any] = {
        "operationId": f"{handler.__module__.rsplit('.', 1)[-1]}_{handler.__name__}"
        + ("_by_model" if "owner" in names else ""),
        "description": inspect.getdoc(handler) or "",
        "parameters": [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names],
        "responses": {"200": {"description": "Done"}, "4XX": PROBLEM},
    }
    if template.startswith("/openai/"):
        operation["responses"]["4XX"] = OPENAI_ERROR
    if template.startswith(("/v1/", "/openai/")):
        operation["security"] = [{SCHEME_NAME: []}]
    if template.endswith("/images/edits"):
        operation["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": EDIT}}}
    if template.endswith("/images/generations"):
        operation["parameters"] += CONDITIONS
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": GENERATE}}}
    if method == "POST" and template.startswith(("/v1/files", "/v1/uploads/")):
        operation["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": UPLOAD}}}
        operation["responses"] = {"201": {"description": "The upload"}, "4XX": PROBLEM}
    if method == "POST" and template.endswith("predictions"):
        wait = {"name": "Prefer", "in": "header", "schema": {"type": "string"}, "description": "wait, or wait=seconds"}
        operation["parameters"] += [wait, *CONDITIONS]
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": CREATE}}}
        operation["responses"] = {
            "201": {"description": "The prediction"},
            "202": {"description": "The prediction, which the wait has outlasted"},
            "4XX": PROBLEM,
        }
    return operation
