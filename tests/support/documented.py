"""Whether an answer is one that the API document describes, with nothing left out and nothing besides."""

import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from marketplace.api.front.routing import PARAMETER, Table
from marketplace.api.routes import ROUTES, document

EXTENSIBLE = {"Problem"}  # kinds of problems have members of their own
TABLE = Table((route for route in ROUTES if route.operation is not None), {})


def assert_documented(method: str, path: str, status: int, *, content_type: str, body: bytes) -> None:
    """An answer of an address that the document has: its status, its content type and its body are as it says."""
    address = TABLE.address_of(path)
    route = address.methods.get(method) if address else None
    if route is None or method == "QUERY":
        return
    operation = document()["paths"][PARAMETER.sub(r"{\1}", route.template)][method.lower()]
    described = operation["responses"].get(str(status)) or operation["responses"]["default"]
    content = described.get("content")
    if content is None:
        assert body == b"", (method, path, status)
        return
    if any(media_type.endswith("json") for media_type in content):
        assert content_type in content, (method, path, status, content_type)
        _validator(json.dumps(content[content_type]["schema"])).validate(json.loads(body))


@cache
def _validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(schema) | {"components": {"schemas": _closed()}})


@cache
def _closed() -> dict[str, Any]:
    """The document's schemas, whose objects take no properties but those that are described."""
    schemas = document()["components"]["schemas"]
    return {
        name: schema | ({"additionalProperties": False} if "properties" in schema and name not in EXTENSIBLE else {})
        for name, schema in schemas.items()
    }
