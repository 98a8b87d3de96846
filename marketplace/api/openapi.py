"""The OpenAPI 3.1 document, built from the table of routes and its shapes."""

import inspect
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from django.conf import settings

from marketplace.api.front.routing import PARAMETER, PROBLEMS, Route
from marketplace.api.operations import Answer, Operation
from marketplace.core.problems import Problem

# The documented methods; HEAD is omitted, because it equals GET without the body.
METHODS = ("GET", "PUT", "POST", "DELETE")
DESCRIPTION = (
    "The metered HTTP API of the market, in Replicate's dialect, and images in OpenAI's. Every answer carries its "
    "request id; any status that an operation does not name is a refusal in the form of its `default`."
)
SECURITY = {
    "ApiKey": {"type": "http", "scheme": "bearer", "description": "A key from API keys in the console"},
    "SignedLink": {
        "type": "apiKey",
        "in": "query",
        "name": "signature",
        "description": "A link that another answer gave, used as it is until it expires",
    },
}
REQUEST_ID = {
    "X-Request-Id": {
        "description": "The request's id: the caller's own, if it sent a well-formed one",
        "schema": {"type": "string"},
    }
}

Document = dict[str, Any]
Schemas = Mapping[Any, Document]


def openapi_document(routes: Iterable[Route]) -> Document:
    """The document of all routes that have an operation."""
    documented = [(route, route.operation) for route in routes if route.operation is not None]
    schemas, components = _schemas(documented)
    paths: dict[str, Document] = defaultdict(dict)
    for route, operation in documented:
        for method in (one for one in route.methods if one in METHODS):
            paths[_path(route)][method.lower()] = _operation(method, route, operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Bourse", "description": DESCRIPTION, "version": "1"},
        "servers": [{"url": settings.BASE_URL}],
        "paths": dict(paths),
        "components": {"schemas": components, "securitySchemes": SECURITY},
    }


def _schemas(documented: Iterable[tuple[Route, Operation]]) -> tuple[Schemas, Document]:
    """The schema of each shape in the operations, and the components that these refer to."""
    shapes: dict[Any, None] = {PROBLEMS.shape: None}
    for route, operation in documented:
        named = [answer.shape for answer in operation.answers.values()]
        named += [route.dialect.shape, operation.body and operation.body.shape]
        shapes |= dict.fromkeys(shape for shape in named if shape is not None)
    found, components = msgspec.json.schema_components(shapes, ref_template="#/components/schemas/{name}")
    return dict(zip(shapes, found, strict=True)), components


def _path(route: Route) -> str:
    return PARAMETER.sub(r"{\1}", route.template)


def _operation(method: str, route: Route, operation: Operation, schemas: Schemas) -> Document:
    found: Document = {
        "operationId": operation.id,
        "description": _description(method, route),
        "parameters": _parameters(route, operation),
        "responses": _responses(route, operation, schemas),
        "security": [{name: []} for name in operation.access.value],
    }
    if operation.body is not None:
        body = {"schema": _schema(operation.body.shape, operation.body.media_type, schemas)}
        found["requestBody"] = {"required": True, "content": {operation.body.media_type: body}}
    return found


def _description(method: str, route: Route) -> str:
    """The docstring of the handler or of the view's method."""
    return inspect.getdoc(route.handler or getattr(route.endpoint, method.lower())) or ""


def _parameters(route: Route, operation: Operation) -> list[Document]:
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in route.parameters
    ]
    return in_path + [
        {
            "name": one.name,
            "in": one.place,
            "description": one.description,
            "required": one.required,
            "schema": dict(one.schema),
        }
        for one in operation.parameters
    ]


def _responses(route: Route, operation: Operation, schemas: Schemas) -> Document:
    """Answers and refusals by status; one status can have both, with different media types."""
    refusal = {route.dialect.media_type: {"schema": schemas[route.dialect.shape]}}
    found = {status: _response(answer.description, _content(answer, schemas)) for status, answer in _answers(operation)}
    refusals: dict[str, list[type[Problem]]] = defaultdict(list)
    for problem in operation.refusals:
        refusals[str(problem.status)].append(problem)
    for status, problems in sorted(refusals.items()):
        description = "; ".join(f"`{problem.kind}`: {problem.title}" for problem in problems)
        answer = found.get(status)
        if answer is None:
            found[status] = _response(description, refusal)
        else:
            found[status] = _response(f"{answer['description']}; {description}", answer["content"] | refusal)
    return found | {"default": _response("A refusal", refusal)}


def _answers(operation: Operation) -> Iterable[tuple[str, Answer]]:
    return ((str(status), answer) for status, answer in operation.answers.items())


def _content(answer: Answer, schemas: Schemas) -> Document | None:
    if answer.media_type is None:
        return None
    return {answer.media_type: {"schema": _schema(answer.shape, answer.media_type, schemas)}}


def _schema(shape: Any, media_type: str, schemas: Schemas) -> Document:
    """The schema of a body; a body without a shape is a text, or bytes."""
    text = {"type": "string"} if media_type.startswith("text/") else {"type": "string", "format": "binary"}
    return schemas[shape] if shape is not None else text


def _response(description: str, content: Document | None) -> Document:
    found: Document = {"description": description, "headers": REQUEST_ID}
    return found if content is None else found | {"content": content}
