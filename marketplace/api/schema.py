"""The front's routes in the OpenAPI document, which otherwise knows only Django's views."""

import inspect
import re
from typing import Any

from marketplace.api.authentication import SCHEME_NAME
from marketplace.api.front.app import ROUTES

PROBLEM = {
    "description": "A refusal, as RFC 7807 has it: what was wrong and what to do",
    "content": {"application/problem+json": {"schema": {"type": "object"}}},
}
CREATE = {
    "type": "object",
    "required": ["input"],
    "properties": {
        "version": {"type": "string", "description": "A version's id, owner/name or owner/name:version"},
        "input": {"type": "object", "description": "As the version's Input schema says"},
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
    },
    "additionalProperties": {"description": "Further fields of the model's own input schema, such as seed"},
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
    if template.endswith("/images/generations"):
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": GENERATE}}}
    if method == "POST" and template.endswith("predictions"):
        wait = {"name": "Prefer", "in": "header", "schema": {"type": "string"}, "description": "wait, or wait=seconds"}
        operation["parameters"].append(wait)
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": CREATE}}}
        operation["responses"] = {
            "201": {"description": "The prediction"},
            "202": {"description": "The prediction, which the wait has outlasted"},
            "4XX": PROBLEM,
        }
    return operation
