"""The front and Django refuse the same credentials in the same way, and one document describes both."""

import json
import re

import pytest
from django.urls import URLPattern, URLResolver
from rest_framework.test import APIClient

from marketplace.accounts.selectors import membership_for
from marketplace.accounts.services.api_keys import revoke_key
from marketplace.api.front.app import ROUTES
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
    assert django[2] | {"instance": ""} == front[2] | {"instance": ""}


def test_the_front_and_django_refuse_a_revoked_key_alike(front_client: FrontClient, buyer: Buyer):
    assert front_client.request("GET", "/v1/predictions/x", key=buyer.key).status == 404
    party = buyer.party
    revoke_key(by=membership_for(party.user, party.organization.slug), key_id=buyer.key_row.pk)
    django, front = both(front_client, {"Authorization": f"Bearer {buyer.key}"})
    assert django[:2] == front[:2]
    assert django[2].keys() == front[2].keys()


@pytest.fixture
def document() -> dict:  # type: ignore[type-arg]
    answer = APIClient().get("/api/schema/", {"format": "json"})
    assert answer.status_code == 200
    return json.loads(answer.content)


def django_routes(patterns: "list[URLPattern | URLResolver]") -> set[tuple[str, str]]:
    return {
        ("/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(pattern.pattern)), method)
        for pattern in patterns
        for method in ("get", "post", "put", "patch", "delete")
        if hasattr(getattr(pattern.callback, "view_class", None), method)
    }


def test_the_document_describes_every_route(document: dict):  # type: ignore[type-arg]
    described = {(path, method) for path, methods in document["paths"].items() for method in methods}
    documented = [route for route in ROUTES if route.documented]
    front = {(route.template, method.lower()) for route in documented for method in route.methods if method != "HEAD"}
    django = {route for route in django_routes(urlpatterns) if route[0] not in ("/api/schema/", "/v1/{rest}")}
    assert described == front | django


def test_the_document_is_consistent(document: dict):  # type: ignore[type-arg]
    assert document["openapi"].startswith("3.")
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
    assert list(schemes.values()) == [{"type": "http", "scheme": "bearer"}]
    (name,) = schemes
    for path, method, needed in [
        ("/v1/account", "get", True),
        ("/v1/predictions", "get", True),
        ("/v1/predictions", "post", True),
        ("/v1/predictions/{id}", "get", True),
        ("/v1/models", "get", False),
        ("/healthz", "get", False),
    ]:
        assert (document["paths"][path][method].get("security") == [{name: []}]) == needed, path
