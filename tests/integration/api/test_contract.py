"""The front and Django refuse the same credentials in the same way, and one document describes both."""

import json
import re

import pytest
from django.conf import settings
from django.urls import URLPattern, URLResolver
from openapi_spec_validator import OpenAPIV31SpecValidator, validate
from rest_framework.test import APIClient

from marketplace.accounts.services.api_keys import revoke_key
from marketplace.api.front.hub_routes import HUB_ROUTES
from marketplace.api.front.routing import PARAMETER
from marketplace.api.routes import ROUTES
from marketplace.api.urls import urlpatterns
from tests.integration.api.conftest import Buyer
from tests.integration.api.test_create import HEADERS
from tests.support.front_client import FrontClient

pytestmark = pytest.mark.usefixtures("database")


def both(front_client: FrontClient, headers: dict[str, str]):  # type: ignore[no-untyped-def]
    """Status, relevant headers and document of the same error from each."""
    extra = {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    django = APIClient().get("/v1/account", **extra)
    front = front_client.request("GET", f"/v1/predictions/{'0' * 26}", headers=headers)
    shown = ("content-type", "www-authenticate")
    return (
        (django.status_code, {name: django.headers[name] for name in shown}, django.json()),
        (front.status, {name: front.headers[name] for name in shown}, front.json()),
    )


@pytest.mark.parametrize("headers", HEADERS, ids=lambda headers: str(headers.get("Authorization"))[:30])
def test_the_front_and_django_refuse_bad_credentials_alike(
    front_client: FrontClient, buyer: Buyer, headers: dict[str, str]
):
    django, front = both(front_client, {name: value.replace("{key}", buyer.key) for name, value in headers.items()})
    assert django[:2] == front[:2]
    assert django[0] == 401
    own = {"instance": "", "request_id": ""}
    assert django[2] | own == front[2] | own


def test_the_front_and_django_refuse_a_revoked_key_alike(front_client: FrontClient, buyer: Buyer):
    assert front_client.request("GET", "/v1/predictions/x", key=buyer.key).status == 404
    party = buyer.party
    revoke_key(actor=party.actor, key_id=buyer.key_row.pk)
    django, front = both(front_client, {"Authorization": f"Bearer {buyer.key}"})
    assert django[:2] == front[:2]
    assert django[2].keys() | {"request_id"} == front[2].keys()


@pytest.fixture
def document(front_client: FrontClient) -> dict:  # type: ignore[type-arg]
    answer = front_client.request("GET", "/api/schema/")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    return answer.json()


def test_the_document_is_valid(document: dict):  # type: ignore[type-arg]
    assert document["openapi"] == "3.1.0"
    validate(document, cls=OpenAPIV31SpecValidator)
    assert document["servers"] == [{"url": settings.BASE_URL}]


def django_routes(patterns: "list[URLPattern | URLResolver]") -> set[tuple[str, str]]:
    return {
        ("/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(pattern.pattern)), method)
        for pattern in patterns
        for method in ("get", "post", "put", "patch", "delete")
        if hasattr(getattr(pattern.callback, "view_class", None), method)
    }


def test_the_document_describes_every_route(document: dict):  # type: ignore[type-arg]
    described = {(path, method) for path, methods in document["paths"].items() for method in methods}
    own = [route for route in ROUTES if route not in HUB_ROUTES]
    answered = {(PARAMETER.sub(r"{\1}", route.template), method.lower()) for route in own for method in route.methods}
    assert described == {(path, method) for path, method in answered if method not in ("head", "query")}
    assert django_routes(urlpatterns) <= described
    assert all(route.operation is None for route in HUB_ROUTES), "the Hub's protocol is described elsewhere"


def test_refusals_are_described_by_status_and_dialect(document: dict):  # type: ignore[type-arg]
    created = document["paths"]["/v1/predictions"]["post"]["responses"]
    statuses = {"201", "202", "400", "401", "402", "403", "404", "409", "413", "422", "503", "default"}
    assert created.keys() == statuses
    assert "idempotency-key-reused" in created["409"]["description"]
    for status in statuses - {"201", "202"}:
        schema = {"$ref": "#/components/schemas/Problem"}
        assert created[status]["content"] == {"application/problem+json": {"schema": schema}}
    generated = document["paths"]["/openai/v1/images/generations"]["post"]["responses"]
    schema = {"$ref": "#/components/schemas/OpenAIError"}
    assert generated["422"]["content"] == {"application/json": {"schema": schema}}
    assert all("X-Request-Id" in answer["headers"] for answer in created.values())


def test_conditions_are_described_as_fields_and_as_headers(document: dict):  # type: ignore[type-arg]
    operation = document["paths"]["/v1/models/{owner}/{name}/predictions"]["post"]
    headers = [one["name"] for one in operation["parameters"] if one["in"] == "header"]
    assert headers == ["Prefer", "Idempotency-Key", "Bourse-Max-Price", "Bourse-Contract"]
    assert operation["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/CreatePrediction"
    }
    fields = document["components"]["schemas"]["CreatePrediction"]["properties"]
    assert fields.keys() == {"input", "max_price", "contract"}
    assert document["components"]["schemas"]["CreatePredictionOfVersion"]["required"] == ["version"]


def test_the_document_is_consistent(document: dict):  # type: ignore[type-arg]
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    ids = [operation["operationId"] for operation in operations]
    assert len(set(ids)) == len(ids)
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert operation["description"], path
            assert operation["responses"], path
            named = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
            assert named == set(re.findall(r"\{(\w+)\}", path)), path


def test_every_reference_in_the_document_resolves(document: dict):  # type: ignore[type-arg]
    text = json.dumps(document)
    for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', text)):
        part = document
        for step in reference.split("/"):
            part = part[step]
        assert part
    for name in set(re.findall(r'"security": \[\{"(\w+)"', text)):
        assert name in document["components"]["securitySchemes"]


def test_the_document_says_how_to_authenticate(document: dict):  # type: ignore[type-arg]
    schemes = document["components"]["securitySchemes"]
    assert (schemes["ApiKey"]["type"], schemes["ApiKey"]["scheme"]) == ("http", "bearer")
    for path, method, needed in [
        ("/v1/account", "get", True),
        ("/v1/predictions", "get", True),
        ("/v1/predictions", "post", True),
        ("/v1/predictions/{id}", "get", True),
        ("/v1/models", "get", False),
        ("/healthz", "get", False),
    ]:
        assert (document["paths"][path][method]["security"] == [{"ApiKey": []}]) == needed, path
    assert document["paths"]["/v1/predictions/{id}/events"]["get"]["security"] == [{"ApiKey": []}, {"SignedLink": []}]
