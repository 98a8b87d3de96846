"""Repositories: permissions, revisions, and errors as clients map them."""

import pytest
from django.db import transaction

from marketplace.accounts.domain import NameKind
from marketplace.accounts.selectors import platform_for
from marketplace.accounts.services.api_keys import revoke_key
from marketplace.accounts.services.names import claim_name
from marketplace.catalog.services.listing import unlist
from providers.models import GenerativeModel
from tests.integration.hub.conftest import Client, inside, sha256
from tests.support.front_client import FrontClient
from tests.support.parties import make_listing, make_party

CARD = b"---\nlicense: apache-2.0\n---\nIcons.\n"


def test_who_am_i(front_client: FrontClient, client: Client):
    document = client.request("GET", "/api/whoami-v2").json()
    assert (document["name"], document["orgs"]) == (client.owner, [])
    assert document["auth"]["accessToken"] == {"displayName": "laptop", "role": "write"}
    refused = front_client.request("GET", "/api/whoami-v2")
    assert (refused.status, refused.headers["x-error-message"]) == (401, "Invalid credentials in Authorization header")


@pytest.mark.parametrize("key", ["bourse_wrong", "hf_abc", ""])
def test_a_wrong_key_is_refused_everywhere_also_where_none_is_needed(
    front_client: FrontClient, repository: str, key: str
):
    for method, address in [
        ("GET", "/api/whoami-v2"),
        ("GET", f"/api/models/{repository}"),
        ("GET", "/api/models"),
        ("GET", f"/{repository}/resolve/main/README.md"),
        ("POST", "/api/repos/create"),
        ("POST", f"/{repository}.git/info/lfs/objects/batch"),
    ]:
        answer = front_client.request(method, address, {}, headers={"Authorization": f"Bearer {key}"})
        assert (answer.status, answer.headers["x-error-message"]) == (
            401,
            "Invalid credentials in Authorization header",
        ), address
        assert "API key" in answer.json()["error"]


def test_a_revoked_key_is_refused(client: Client, repository: str):
    assert client.request("GET", f"/api/models/{repository}").status == 200
    revoke_key(actor=client.party.actor, key_id=client.key_row.pk)
    assert client.request("GET", f"/api/models/{repository}").status == 401


def test_create_returns_the_url_also_if_the_repository_exists(client: Client):
    made = client.request("POST", "/api/repos/create", {"name": "Icons", "organization": None, "private": True})
    assert (made.status, made.json()["url"]) == (200, f"http://localhost:8000/{client.owner}/icons")
    again = client.request("POST", "/api/repos/create", {"name": "iCons", "organization": client.owner})
    assert (again.status, again.json()["url"]) == (409, f"http://localhost:8000/{client.owner}/icons")
    assert "exists" in again.json()["error"]
    assert GenerativeModel.objects.filter(organization=client.party.organization).count() == 1


def test_urls_use_the_host_of_the_request(client: Client):
    document = {"name": "icons"}
    for host, url in [
        ("127.0.0.1:8370", "http://127.0.0.1:8370"),
        ("evil.example", "http://localhost:8000"),
        ("localhost:80@evil.example", "http://localhost:8000"),
    ]:
        answer = client.request("POST", "/api/repos/create", document, headers={"Host": host})
        assert answer.json()["url"] == f"{url}/{client.owner}/icons"


@pytest.mark.parametrize(
    ("document", "status", "message"),
    [
        ({"name": "x.git"}, 400, '.git"'),
        ({"name": "../x"}, 403, "so it creates nothing under .."),
        ({"name": "a b"}, 400, "letters a-z"),
        ({"name": ""}, 400, "letters a-z"),
        ({"name": "a\0"}, 400, "letters a-z"),
        ({"name": 7}, 400, "Send"),
        ({}, 400, "Send"),
        ({"name": "x", "type": "dataset"}, 400, "models only"),
        ({"name": "x", "organization": "somebody-else"}, 403, "so it creates nothing under somebody-else"),
        ({"name": "x", "organization": "lumen/y"}, 403, "so it creates nothing"),
    ],
)
def test_invalid_repositories_are_refused(client: Client, document: dict[str, object], status: int, message: str):
    answer = client.request("POST", "/api/repos/create", document)
    assert (answer.status, message in answer.json()["error"]) == (status, True), answer.json()
    assert message in answer.headers["x-error-message"]
    assert not GenerativeModel.objects.filter(organization=client.party.organization).exists()


def test_the_name_of_an_alias_is_no_repository(client: Client):
    with transaction.atomic():
        claim_name(organization_id=client.party.organization.pk, name="hero", kind=NameKind.ALIAS)
    answer = client.create("hero")
    assert (answer.status, "hero" in answer.json()["error"], "url" in answer.json()) == (400, True, False)


def test_a_buyer_creates_nothing(front_client: FrontClient):
    from tests.integration.api.conftest import make_api_buyer

    buyer = make_api_buyer()
    answer = front_client.request("POST", "/api/repos/create", {"name": "x"}, key=buyer.key)
    assert (answer.status, "provider side" in answer.json()["error"]) == (403, True)


def test_another_organisations_repository_is_not_found(
    front_client: FrontClient, client: Client, stranger: Client, repository: str
):
    client.commit(repository, {"README.md": CARD})
    head = client.head(repository)
    addresses = [
        ("GET", f"/api/models/{repository}"),
        ("GET", f"/api/models/{repository}/revision/main"),
        ("GET", f"/api/models/{repository}/tree/main"),
        ("GET", f"/api/models/{repository}/refs"),
        ("GET", f"/api/models/{repository}/commits/main"),
        ("POST", f"/api/models/{repository}/paths-info/main"),
        ("POST", f"/api/models/{repository}/preupload/main"),
        ("POST", f"/api/models/{repository}/commit/main"),
        ("PUT", f"/api/models/{repository}/settings"),
        ("POST", f"/api/models/{repository}/branch/x"),
        ("GET", f"/api/models/{repository}/xet-write-token/main"),
        ("POST", f"/{repository}.git/info/lfs/objects/batch"),
        ("POST", f"/{repository}.git/info/lfs/verify"),
        ("GET", f"/{repository}/resolve/main/README.md"),
        ("HEAD", f"/{repository}/resolve/{head}/README.md"),
    ]
    for method, address in addresses:
        absent = address.replace(repository, f"{client.owner}/nothing")
        for one in (address, absent):  # the answers do not reveal which of them exists
            answer = stranger.request(method, one, {})
            assert (answer.status, answer.headers["x-error-code"]) == (404, "RepoNotFound"), one
            if "batch" not in one:
                answer = front_client.request(method, one, {})
                assert (answer.status, answer.headers["x-error-code"]) == (401, "RepoNotFound"), one
    document = {"name": "icons", "organization": client.owner}
    assert stranger.request("DELETE", "/api/repos/delete", document).headers["x-error-code"] == "RepoNotFound"
    assert stranger.request("POST", "/api/repos/create", document).status == 403
    assert client.head(repository) == head
    assert front_client.request("GET", "/api/models").json() == stranger.request("GET", "/api/models").json()
    assert repository not in stranger.request("GET", "/api/models").body.decode()


def test_a_repository_begins_with_an_empty_commit(client: Client, repository: str):
    document = client.request("GET", f"/api/models/{repository}").json()
    root = document["sha"]
    assert (len(bytes.fromhex(root)), document["siblings"], document["private"]) == (20, [], True)
    assert client.request("GET", f"/api/models/{repository}/revision/{root}").json() == document
    assert client.request("GET", f"/api/models/{repository}/tree/main").json() == []
    assert client.commit(repository, {"README.md": CARD}, parent=root).status == 200
    history = client.request("GET", f"/api/models/{repository}/commits/main").json()
    assert [(one["id"], one["title"]) for one in history] == [
        (client.head(repository), "Change it"),
        (root, "initial commit"),
    ]
    assert [one["id"] for one in client.request("GET", f"/api/models/{repository}/commits/{root}").json()] == [root]


def test_revisions(client: Client, repository: str):
    first = client.commit(repository, {"README.md": CARD}).json()["commitOid"]
    second = client.commit(repository, {"README.md": CARD + b"More.\n"}).json()["commitOid"]
    for revision, commit in [("main", second), ("v2", second), ("v1", first), (first, first), (second, second)]:
        answer = client.get(repository, "README.md", revision)
        assert (answer.status, answer.headers["x-repo-commit"]) == (200, commit), revision
        assert client.request("GET", f"/api/models/{repository}/revision/{revision}").json()["sha"] == commit
    assert client.get(repository, "README.md", "v1").body == CARD
    for revision in ["v3", "v0", "dev", first[:12], "0" * 40, "refs%2Fpr%2F1", "x" * 300, "%00", "v%C2%B2"]:
        for address in (
            f"/api/models/{repository}/revision/{revision}",
            f"/api/models/{repository}/commits/{revision}",
        ):
            answer = client.request("GET", address)
            assert (answer.status, answer.headers["x-error-code"]) == (404, "RevisionNotFound"), address
    assert client.get(repository, "README.md", "dev").headers["x-error-code"] == "RevisionNotFound"
    assert client.request("GET", f"/api/models/{repository}/refs").json() == {
        "branches": [{"name": "main", "ref": "refs/heads/main", "targetCommit": second}],
        "tags": [],
        "converts": [],
        "pullRequests": [],
    }


def test_the_tree_and_single_paths(client: Client, repository: str):
    weights = b"\1" * 2_000
    client.upload(repository, weights)
    large = {"unet/diffusion_pytorch_model.safetensors": weights}
    client.commit(repository, {"README.md": CARD, "unet/config.json": b"{}"}, large=large)
    tree = f"/api/models/{repository}/tree/main"
    top = client.request("GET", tree).json()
    assert [(one["type"], one["path"]) for one in top] == [("directory", "unet"), ("file", "README.md")]
    inside = client.request("GET", f"{tree}/unet").json()
    config, large_file = inside
    assert config == {
        "type": "file",
        "path": "unet/config.json",
        "oid": "9e26dfeeb6e641a33dae4961196235bdb965b21b",
        "size": 2,
    }
    assert (large_file["size"], large_file["lfs"]["oid"], large_file["lfs"]["pointerSize"]) == (
        2_000,
        sha256(weights),
        129,
    )
    assert client.request("GET", f"{tree}?recursive=True").json() == [top[0], top[1], *inside]
    missing = client.request("GET", f"{tree}/vae")
    assert (missing.status, missing.headers["x-error-code"]) == (404, "EntryNotFound")
    form = "paths=README.md&paths=unet&paths=vae&paths=unet%2Fconfig.json&expand=False"
    answer = client.request(
        "POST",
        f"/api/models/{repository}/paths-info/main",
        form.encode(),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.json() == [top[1], top[0], config]


def test_branches_tags_pull_requests_and_xet_are_refused_with_a_message(client: Client, repository: str):
    for address in (f"/api/models/{repository}/branch/dev", f"/api/models/{repository}/tag/v1"):
        answer = client.request("POST", address, {"startingPoint": "main"})
        assert (answer.status, "one branch, main" in answer.json()["error"]) == (400, True)
    assert client.request("POST", f"/api/models/{repository}/branch/main", {}).status == 409
    token = client.request("GET", f"/api/models/{repository}/xet-write-token/main")
    assert (token.status, "HF_HUB_DISABLE_XET=1" in token.headers["location"]) == (302, True)
    there = client.request("GET", inside(token.headers["location"]))
    assert (there.status, "HF_HUB_DISABLE_XET=1" in there.json()["error"]) == (404, True)
    commit = client.request("POST", f"/api/models/{repository}/commit/main?create_pr=1", b"")
    assert (commit.status, "no pull requests" in commit.json()["error"]) == (400, True)
    for address in (f"/api/models/{repository}/discussions", "/api/datasets/a/b", "/api/spaces/a/b"):
        assert client.request("GET", address).status == 404


def test_delete_and_create_anew(client: Client, repository: str):
    client.commit(repository, {"README.md": CARD})
    assert client.request("DELETE", "/api/repos/delete", {"name": "icons", "organization": client.owner}).status == 200
    assert client.request("GET", f"/api/models/{repository}").headers["x-error-code"] == "RepoNotFound"
    again = client.request("DELETE", "/api/repos/delete", {"name": "icons", "organization": client.owner})
    assert again.headers["x-error-code"] == "RepoNotFound"
    assert client.create("icons").status == 200
    assert client.paths(repository) == []


def test_a_listed_model_shows_its_card_but_not_its_weights(front_client: FrontClient, stranger: Client, client: Client):
    listing = make_listing(provider=client.party)
    slug = f"{client.owner}/{listing.model.name}"
    newer = client.commit(slug, {"README.md": CARD}).json()["commitOid"]
    assert newer != listing.version_id
    for who in (stranger.request, front_client.request):
        document = who("GET", f"/api/models/{slug}").json()
        assert (document["sha"], document["private"], document["gated"]) == (listing.version_id, False, "manual")
        assert who("GET", f"/{slug}/resolve/main/README.md").status == 200
        assert who("GET", f"/{slug}/resolve/{listing.version_id}/unet/config.json").status == 200
        for path in ("unet/diffusion_pytorch_model.safetensors", "tokenizer/tokenizer.json"):
            refused = who("GET", f"/{slug}/resolve/main/{path}")
            assert (refused.status, refused.headers["x-error-code"]) == (403, "GatedRepo")
            assert "sold by the call" in refused.headers["x-error-message"]
            assert refused.headers["x-repo-commit"] == listing.version_id
        assert who("GET", f"/{slug}/resolve/{newer}/README.md").headers["x-error-code"] == "RevisionNotFound"
        history = who("GET", f"/api/models/{slug}/commits/main").json()
        assert [one["id"] for one in history] == [listing.version_id]
        assert slug in who("GET", f"/api/models?search={listing.model.name}").body.decode()
    assert stranger.commit(slug, {"README.md": CARD}).status == 403
    assert client.get(slug, "unet/diffusion_pytorch_model.safetensors").status == 200
    assert client.request("DELETE", "/api/repos/delete", {"name": listing.model.name}).status == 409
    unlist(listing=listing, actor=platform_for(listing.model.organization))
    assert stranger.request("GET", f"/api/models/{slug}").headers["x-error-code"] == "RepoNotFound"
    assert client.request("GET", f"/api/models/{slug}").json()["private"] is True


def test_the_list_is_paged(client: Client):
    names = [f"m{number}" for number in range(5)]
    for name in names:
        client.create(name)
    address, found = f"/api/models?author={client.owner}&limit=2", []
    while address:
        answer = client.request("GET", address)
        found += [one["id"] for one in answer.json()]
        link = answer.headers.get("link", "")
        address = link.partition("<http://localhost:8000")[2].partition(">")[0]
    assert found == [f"{client.owner}/{name}" for name in names]
    assert [one["id"] for one in client.request("GET", f"/api/models?search={client.owner}/m3").json()] == [
        f"{client.owner}/m3"
    ]


def test_settings_follow_from_listing(client: Client, repository: str):
    address = f"/api/models/{repository}/settings"
    assert client.request("PUT", address, {"private": True}).json() == {"private": True, "gated": False}
    assert client.request("PUT", address, {"visibility": "private"}).status == 200
    for wanted in ({"private": False}, {"visibility": "public"}, {"gated": "auto"}):
        answer = client.request("PUT", address, wanted)
        assert (answer.status, "portal" in answer.json()["error"]) == (400, True)


@pytest.mark.parametrize(
    ("content", "errors", "warnings"),
    [
        (CARD.decode(), "", ""),
        ("\ufeff" + CARD.decode(), "", ""),
        ("---\nlicense: [\n---\n", "is not YAML", ""),
        ("---\nlicense: apache-2.0\ninference: 7\n---\n", "must be a mapping", ""),
        ("no metadata", "", "name the licence"),
        ("", "", "name the licence"),
        (CARD.decode() + "\0", "contains a NUL", ""),
    ],
)
def test_the_card_is_checked_before_anything_is_sent(client: Client, content: str, errors: str, warnings: str):
    answer = client.request("POST", "/api/validate-yaml", {"content": content, "repoType": "model"})
    document = answer.json()
    assert answer.status == (400 if errors else 200)
    for found, expected in ((document["errors"], errors), (document["warnings"], warnings)):
        assert [expected in one["message"] for one in found] == ([True] if expected else [])


def test_two_organisations_may_use_the_same_name(client: Client, stranger: Client):
    for one in (client, stranger):
        one.create("icons")
        assert one.commit(f"{one.owner}/icons", {"README.md": CARD}).status == 200
    assert client.head(f"{client.owner}/icons") != stranger.head(f"{stranger.owner}/icons")


def test_a_name_may_be_spelled_in_any_case(client: Client, repository: str):
    document = client.request("GET", f"/api/models/{repository.upper()}").json()
    assert document["id"] == repository


def test_an_organisation_without_models_has_an_empty_list(front_client: FrontClient):
    assert make_party().organization.slug not in front_client.request("GET", "/api/models").body.decode()
