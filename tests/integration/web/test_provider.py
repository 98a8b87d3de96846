"""The provider's pages without a browser: who may see and do what, and what is left behind."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from billing.pricing.models import Price
from marketplace.accounts.models import AuditEvent, Membership
from marketplace.catalog.domain import sku_of
from marketplace.catalog.models import Listing
from marketplace.core.problems import FieldError
from providers.domain import CheckState, Step
from providers.models import GenerativeModel, ModelVersion, UploadDraft
from providers.services.check_files import check_version
from providers.services.checks import record_check
from providers.services.publish import publish_folder
from tests.support.checks import pass_checks
from tests.support.folders import make_folder
from tests.support.parties import Party, make_listing, make_party

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def provider() -> Party:
    return make_party(can_buy=False, can_provide=True)


@pytest.fixture
def client(provider: Party) -> Client:
    return signed_in(provider)


def signed_in(party: Party) -> Client:
    client = Client()
    client.force_login(party.user)
    return client


@pytest.fixture
def version(provider: Party, tmp_path: Path) -> ModelVersion:
    return publish_folder(actor=provider.actor, folder=make_folder(tmp_path), name="icons")


def at(provider: Party, path: str = "") -> str:
    return f"/provider/{provider.organization.slug}/{path}"


def post_json(client: Client, path: str, body: Any) -> Any:
    return client.post(path, json.dumps(body), content_type="application/json")


def actions(provider: Party) -> list[str]:
    events = AuditEvent.objects.filter(organization=provider.organization, actor=provider.user)
    return list(events.order_by("id").values_list("action", flat=True))


def test_the_provider_area_starts_with_the_models(client: Client, provider: Party):
    assert client.get(at(provider)).headers["Location"] == at(provider, "models")
    assert "Publish a model" in client.get(at(provider, "publish")).content.decode()


def test_provider_pages_of_others_answer_404(client: Client, provider: Party, version: ModelVersion):
    pass_checks(version)
    stranger = signed_in(make_party(can_provide=True))
    pages = ["", "publish", "models/icons", "models/icons/preview?price=1", "models/icons/versions/1"]
    for page in pages:
        assert client.get(at(provider, page)).status_code in (200, 302), page
        assert stranger.get(at(provider, page)).status_code == 404, page
        assert Client().get(at(provider, page)).status_code == 302, page
    for page in ("price", "list", "unlist", "delete"):
        assert stranger.post(at(provider, f"models/icons/{page}"), {"price": "1", "version": "1"}).status_code == 404
        assert client.get(at(provider, f"models/icons/{page}")).status_code == 405
    assert post_json(stranger, at(provider, "drafts"), {"name": "x", "files": []}).status_code == 404
    assert not Price.objects.filter(sku=sku_of(version.model_id)).exists()


@pytest.mark.parametrize("name", ["nothing", "a%00b", "%25", "x" * 3_000])
def test_unknown_objects_answer_404(client: Client, provider: Party, version: ModelVersion, name: str):
    assert client.get(at(provider, f"models/{name}")).status_code == 404
    assert client.get(at(provider, f"models/{name}/versions/1")).status_code == 404
    for number in ("2", "0", str(2**31), "9" * 40):
        assert client.get(at(provider, f"models/icons/versions/{number}")).status_code == 404
        assert client.post(at(provider, "models/icons/list"), {"version": number}).status_code == 404


def test_a_model_is_priced_listed_unlisted_and_each_step_is_on_record(
    client: Client, provider: Party, version: ModelVersion
):
    early = client.post(at(provider, "models/icons/price"), {"price": "0.004"}, follow=True).content.decode()
    assert "Publish a version first" in early
    client.post(at(provider, "models/icons/list"), {"version": "1"})
    assert not Listing.objects.filter(model=version.model_id).exists(), "only what passed can be listed"
    pass_checks(version)
    refused = client.post(at(provider, "models/icons/list"), {"version": "1"}, follow=True).content.decode()
    assert "Set a price before the model is listed" in refused
    for wrong in ("free", "-1", "0.0000001", ""):
        answer = client.post(at(provider, "models/icons/price"), {"price": wrong})
        assert answer.status_code == 422
        assert 'id="id_price_error"' in answer.content.decode()
    for _ in range(2):  # the same price twice is one
        assert client.post(at(provider, "models/icons/price"), {"price": "0.004"}).status_code == 302
    assert client.post(at(provider, "models/icons/list"), {"version": "1"}).status_code == 302
    listing = Listing.objects.get(model=version.model_id)
    assert (listing.listed, listing.version_id) == (True, version.pk)
    assert client.post(at(provider, "models/icons/unlist")).status_code == 302
    listing.refresh_from_db()
    assert listing.listed is False
    assert actions(provider) == [
        "organization.created",
        "model.created",
        "version.committed",
        "price.set",
        "model.listed",
        "model.unlisted",
    ]


def test_the_preview_shows_the_split(client: Client, provider: Party, version: ModelVersion, settings):  # type: ignore[no-untyped-def]
    pass_checks(version)
    settings.PLATFORM_FEE_BPS = 1_000
    shown = client.get(at(provider, "models/icons/preview?price=0.004")).content.decode()
    for figure in ("$0.004", "$0.0036", "$0.0004", "$4.00", "$3.60", "$0.40"):
        assert figure in shown
    assert "is not an amount" in client.get(at(provider, "models/icons/preview?price=x")).content.decode()


def test_a_version_page_follows_the_checks(client: Client, provider: Party, version: ModelVersion):
    page = at(provider, "models/icons/versions/1")

    def fragment() -> str:
        return client.get(page, headers={"HX-Request": "true"}).content.decode()

    assert "hx-get" in fragment()
    assert "<html" not in fragment()
    check_version(version_id=version.pk)
    assert 'data-step="files" data-state="passed"' in fragment()
    wrong = FieldError("unet/config.json", "does not fit <its> weights")
    record_check(version=version.pk, step=Step.LOAD, state=CheckState.FAILED, errors=[wrong])
    ended = fragment()
    assert "hx-get" not in ended, "what has ended is not asked for again"
    assert '<span class="id">unet/config.json</span>: does not fit &lt;its&gt; weights.' in ended
    assert 'data-step="golden" data-state="skipped"' in ended
    assert "Publish a corrected folder" in ended


def test_a_draft_is_opened_and_committed_by_scripts_of_the_page(client: Client, provider: Party):
    files = [{"path": "README.md", "size": 4, "modified": 1}, {"path": "evil.py", "size": 1, "modified": 1}]
    for path in ("drafts/check", "drafts"):
        answer = post_json(client, at(provider, path), {"name": "icons", "files": files})
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["errors"]] == ["evil.py"]
    opened = post_json(client, at(provider, "drafts"), {"name": "icons", "files": files[:1]})
    assert opened.status_code == 201
    assert opened.json()["sent"] == []
    incomplete = post_json(client, opened.json()["commit_url"], {"message": ""})
    assert (incomplete.status_code, incomplete.json()["errors"][0]["field"]) == (422, "README.md")
    stranger = make_party(can_provide=True)
    stolen = opened.json()["commit_url"].replace(provider.organization.slug, stranger.organization.slug)
    assert post_json(signed_in(stranger), stolen, {}).status_code == 404
    assert post_json(client, opened.json()["discard_url"], {}).status_code == 200
    assert not UploadDraft.objects.filter(organization=provider.organization).exists()
    assert not GenerativeModel.objects.filter(organization=provider.organization).exists()


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"files": None},
        {"files": [None]},
        {"files": [{"path": 1, "size": 1, "modified": 1}]},
        {"files": [{"path": "a\0b", "size": 1, "modified": 1}]},
        {"files": [{"path": "README.md", "size": -1, "modified": 1}]},
        {"files": [{"path": "README.md", "size": 2**80, "modified": 1}]},
        {"files": [{"path": "README.md", "size": 1.5, "modified": 1}]},
        {"files": [{"path": "README.md", "size": 1, "modified": 1}] * 3_000},
    ],
)
def test_malformed_requests_are_refused(client: Client, provider: Party, body: Any):
    for path in ("drafts", "drafts/check"):
        answer = post_json(client, at(provider, path), body)
        assert 400 <= answer.status_code < 500
    assert not UploadDraft.objects.filter(organization=provider.organization).exists()


def test_only_an_unused_model_can_be_deleted(client: Client, provider: Party, version: ModelVersion):
    assert client.post(at(provider, "models/icons/delete")).headers["Location"] == at(provider, "models")
    assert not GenerativeModel.objects.filter(pk=version.model_id).exists()
    listing = make_listing(provider=provider)
    said = client.post(at(provider, f"models/{listing.model.name}/delete"), follow=True).content.decode()
    assert "was on sale or was called, so it stays" in said
    assert GenerativeModel.objects.filter(pk=listing.model_id).exists()


def test_a_developer_publishes_but_neither_prices_nor_sells(provider: Party, version: ModelVersion):
    pass_checks(version)
    listing = make_listing(provider=provider)
    member = make_party()
    Membership.objects.create(organization=provider.organization, user=member.user, role="developer")
    client = signed_in(member)
    before = Price.objects.count(), AuditEvent.objects.count()
    assert client.post(at(provider, "models/icons/price"), {"price": "1"}).status_code == 403
    assert client.post(at(provider, f"models/{listing.model.name}/price"), {"price": "1"}).status_code == 403
    assert client.post(at(provider, f"models/{listing.model.name}/list"), {"version": "1"}).status_code == 403
    assert client.post(at(provider, f"models/{listing.model.name}/unlist")).status_code == 403
    refused = client.post(at(provider, "models/icons/delete"))
    assert refused.status_code == 403
    assert "To delete models you need the role owner or admin" in refused.content.decode()
    assert (Price.objects.count(), AuditEvent.objects.count()) == before
    assert Listing.objects.get(pk=listing.pk).listed
    assert GenerativeModel.objects.filter(pk=version.model_id).exists()
    page = client.get(at(provider, "models/icons")).content.decode()
    assert "To set prices you need the role owner, admin or billing" in page
    files = [{"path": "README.md", "size": 1, "modified": 1}]
    assert post_json(client, at(provider, "drafts"), {"name": "icons", "files": files}).status_code == 201
