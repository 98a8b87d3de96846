"""Odd URLs and forms are answered without an internal error."""

import pytest
from django.test import Client

from marketplace.accounts.models import ApiKey, AuditEvent, Membership, Organization
from tests.support.parties import make_party

pytestmark = pytest.mark.usefixtures("database")

ODD = ["a%00b", "%25", "_", "%27%22%3B--", "x" * 3_000, "%F0%9F%92%A3", "%FF%FE", ".."]


@pytest.fixture
def client() -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(make_party().user)
    return client


@pytest.mark.parametrize("name", ODD)
def test_what_is_not_there_is_not_found(client: Client, name: str):
    for path in (
        f"/{name}/x",
        f"/x/{name}",
        f"/console/{name}/predictions",
        f"/provider/{name}/models",
        f"/console/{name}/balance",
    ):
        assert client.get(path).status_code == 404, path


@pytest.mark.parametrize("query", ODD)
def test_every_search_is_answered(client: Client, query: str):
    for path in (f"/models?q={query}", f"/models?task={query}", f"/models?sort={query}"):
        assert client.get(path).status_code == 200, path


@pytest.mark.parametrize("text", ["", "a\0b", "x" * 10_000])
def test_refused_forms_change_nothing(client: Client, text: str):
    slug = client.get("/console/").headers["Location"].split("/")[2]
    kinds = (Organization, Membership, ApiKey, AuditEvent)
    before = [kind.objects.count() for kind in kinds]
    for path, form in (
        ("/console/new", {"name": text[:50] if text.isprintable() else text, "slug": "", "can_buy": "on"}),
        ("/console/new", {"name": "Fine", "slug": text, "can_buy": "on"}),
        (f"/console/{slug}/keys", {"name": text}),
        (f"/console/{slug}/members", {"email": text, "role": "member"}),
    ):
        answer = client.post(path, form)
        assert 200 <= answer.status_code < 500, (path, form)
        assert "Location" not in answer.headers, (path, form)
    assert [kind.objects.count() for kind in kinds] == before
