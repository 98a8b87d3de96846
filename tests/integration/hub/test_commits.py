"""Commits: changes, refusals and serialisation."""

import base64
import json
import threading
from pathlib import Path

import pytest
from django.db import connections

from marketplace.core.models import OutboxEvent
from marketplace.core.storage import blob_store
from providers.hub import reading
from providers.hub.commits import Header, InlineFile
from providers.hub.committing import PendingCommit, commit_changes
from providers.hub.refusals import RepositoryNotFound
from providers.models import GenerativeModel, ModelVersion
from tests.integration.hub.conftest import Client, sha256
from tests.support.front_client import FrontClient

CARD = b"---\nlicense: apache-2.0\n---\nIcons.\n"
UNET = "unet/diffusion_pytorch_model.safetensors"


def versions(repository: str) -> int:
    return ModelVersion.objects.filter(model__organization__slug=repository.split("/")[0]).count()


def test_a_commit_is_a_version_whose_checks_begin(client: Client, repository: str, weights: bytes):
    client.upload(repository, weights)
    answer = client.commit(repository, {"README.md": CARD}, large={UNET: weights}).json()
    version = ModelVersion.objects.get(pk=answer["commitOid"])
    assert answer["commitUrl"] == f"http://localhost:8000/{repository}/commit/{version.pk}"
    assert (version.number, version.message, version.state) == (1, "Change it", "checking")
    assert OutboxEvent.objects.filter(topic="version.committed", payload__version=version.pk).exists()
    assert client.paths(repository) == ["README.md", UNET]
    assert client.get(repository, UNET).body == weights
    assert client.get(repository, "README.md").body == CARD


def test_a_commit_keeps_changes_and_deletes_files(client: Client, repository: str, weights: bytes):
    client.upload(repository, weights)
    client.commit(
        repository, {"README.md": CARD, "unet/config.json": b"{}", "vae/config.json": b"{}"}, large={UNET: weights}
    )
    client.commit(repository, {"README.md": CARD + b"More.\n"}, deleted=("vae/config.json",))
    assert client.paths(repository) == ["README.md", "unet/config.json", UNET]
    assert client.get(repository, "README.md").body == CARD + b"More.\n"
    client.commit(repository, folders=("unet/",))
    assert client.paths(repository) == ["README.md"]
    client.commit(repository, large={UNET: weights})  # uploaded before: nothing is uploaded again
    assert client.get(repository, UNET).body == weights


def test_a_commit_that_changes_nothing_is_the_head(client: Client, repository: str):
    first = client.commit(repository, {"README.md": CARD}).json()
    assert client.commit(repository, {"README.md": CARD}).json() == first
    assert client.commit(repository, {".gitattributes": b"*.safetensors filter=lfs\n"}).json() == first
    assert client.paths(repository) == ["README.md"]


def test_a_commit_of_nothing_to_an_empty_repository_stays_at_its_beginning(client: Client, repository: str):
    root = client.head(repository)
    for files in ({}, {".gitattributes": b""}):
        assert client.commit(repository, files).json()["commitOid"] == root
    assert versions(repository) == 0


@pytest.mark.parametrize(
    ("path", "content", "reason"),
    [
        ("pytorch_model.bin", b"x", "can run code when it is loaded; publish weights as .safetensors"),
        ("unet/model.PKL", b"x", "can run code"),
        ("model.py", b"x", "can run code"),
        ("notes.docx", b"x", "is not a kind of file that a pipeline needs"),
        ("a/b/c/d/config.json", b"{}", "lies too deep"),
        (".hidden/config.json", b"{}", "has a name that may not be published"),
        ("größe/config.json", b"{}", "has a name that may not be published"),
        ("README.md ", b"x", "has a name that may not be published"),
    ],
)
def test_forbidden_files_are_refused_at_preupload_and_commit(
    client: Client, repository: str, blobs: Path, path: str, content: bytes, reason: str
):
    asked = {"files": [{"path": path, "size": len(content), "sample": base64.b64encode(content).decode()}]}
    for answer in (
        client.request("POST", f"/api/models/{repository}/preupload/main", asked),
        client.commit(repository, {"README.md": CARD, path: content}),
        client.commit(repository, {"README.md": CARD}, large={path: content}),
    ):
        assert answer.status == 400
        text = answer.body.decode()
        assert path in text or path.encode("unicode_escape").decode() in text
        assert reason in text or "was not uploaded" in text
    assert versions(repository) == 0
    assert not blob_store().has(sha256(content))


@pytest.mark.parametrize("path", ["../x.json", "/etc/config.json", "a/../../config.json", "a//config.json", ""])
def test_no_path_leaves_the_repository(client: Client, repository: str, path: str):
    assert client.commit(repository, {path: b"{}"}).status == 400
    assert client.commit(repository, {"README.md": CARD}, deleted=(path,)).status == 400
    assert client.request("GET", f"/{repository}/resolve/main/{path}").status in (404, 299)
    assert versions(repository) == 0


def test_malformed_commit_bodies_are_refused_with_the_reason(client: Client, repository: str):
    address = f"/api/models/{repository}/commit/main"
    for body, message in [
        (b"", "no header line"),
        (b"{}", "Line 1 "),
        (b"\xff", "Line 1 "),
        (b"[" * 1_000_000, "Line 1 "),
    ]:
        answer = client.request("POST", address, body)
        assert (answer.status, message in answer.json()["error"]) == (400, True)
    too_large = client.request("POST", address, b"", headers={"Content-Length": str(2**40)})
    assert too_large.status == 413


def test_large_files_must_be_uploaded_with_the_stated_size(client: Client, repository: str, weights: bytes):
    refused = client.commit(repository, large={UNET: weights})
    message = f"Nothing was committed: {UNET}: was not uploaded to this organisation; upload it again"
    assert (refused.json(), refused.headers["x-error-message"]) == ({"error": message}, message)
    client.upload(repository, weights)
    line = {"key": "lfsFile", "value": {"path": UNET, "algo": "sha256", "oid": sha256(weights), "size": 1}}
    header = {"key": "header", "value": {"summary": "s"}}
    body = json.dumps(header).encode() + b"\n" + json.dumps(line).encode()
    assert client.request("POST", f"/api/models/{repository}/commit/main", body).status == 400
    del line["value"]["size"]  # as clients copy a file inside a repository
    body = json.dumps(header).encode() + b"\n" + json.dumps(line).encode()
    assert client.request("POST", f"/api/models/{repository}/commit/main", body).status == 200


def test_a_stale_parent_is_refused_and_changes_nothing(client: Client, repository: str):
    root = client.head(repository)
    first = client.commit(repository, {"README.md": CARD}, parent=root).json()["commitOid"]
    for parent in (root, "0" * 40, "main"):
        refused = client.commit(repository, {"README.md": CARD + b"x"}, parent=parent)
        assert (refused.status, first in refused.json()["error"]) == (412, True)
    assert client.head(repository) == first
    assert client.commit(repository, {"README.md": CARD + b"x"}, parent=first[:7]).status == 200


def test_deleting_what_is_not_there_is_refused(client: Client, repository: str):
    client.commit(repository, {"README.md": CARD})
    for gone in ({"deleted": ("unet/config.json",)}, {"folders": ("unet",)}, {"deleted": ("unet",)}):
        refused = client.commit(repository, **gone)  # type: ignore[arg-type]
        assert (refused.status, refused.headers["x-error-code"]) == (404, "EntryNotFound")
        assert "with this name doesn't exist" in refused.json()["error"]


def test_versions_are_committed_on_main_only(client: Client, repository: str):
    first = client.commit(repository, {"README.md": CARD}).json()["commitOid"]
    assert client.commit(repository, {"README.md": b"x"}, revision="dev").headers["x-error-code"] == "RevisionNotFound"
    assert client.commit(repository, {"README.md": b"x"}, revision=first).status == 400
    assert versions(repository) == 1


def test_preupload_says_how_to_upload_each_file(client: Client, repository: str, weights: bytes):
    client.upload(repository, weights)
    client.commit(repository, {"unet/config.json": b"{}"}, large={UNET: weights})
    files = [(UNET, 9), ("unet/config.json", 2), ("tokenizer/tokenizer.json", 2_000_000), (".gitattributes", 5)]
    asked = {"files": [{"path": path, "size": size, "sample": ""} for path, size in files]}
    answer = client.request("POST", f"/api/models/{repository}/preupload/main", asked).json()["files"]
    assert [(one["path"], one["uploadMode"], one["shouldIgnore"], one["oid"]) for one in answer] == [
        (UNET, "lfs", False, sha256(weights)),
        ("unet/config.json", "regular", False, "9e26dfeeb6e641a33dae4961196235bdb965b21b"),
        ("tokenizer/tokenizer.json", "lfs", False, None),
        (".gitattributes", "regular", True, None),
    ]
    for wrong in ({}, {"files": [{}]}, {"files": [{"path": "a", "size": -1}]}, {"files": [{"path": "a"}] * 257}):
        assert client.request("POST", f"/api/models/{repository}/preupload/main", wrong).status == 400


def test_sixteen_commits_at_once_make_sixteen_versions(client: Client, repository: str):
    actor = client.party.actor
    model = GenerativeModel.objects.select_related("organization").get(organization=client.party.organization)
    start, made, errors = threading.Barrier(16), [], []

    def one(number: int) -> None:
        try:
            pending = PendingCommit(actor)
            pending.take([Header(f"n{number}", "", None), InlineFile(f"p{number}/config.json", b"%d" % number)])
            connections.close_all()  # the pool has fewer than wait here
            start.wait()
            made.append(commit_changes(repository=reading.Repository(model, True, None), pending=pending))
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(set(made)) == 16
    assert client.paths(repository) == sorted(f"p{number}/config.json" for number in range(16))
    history = client.request("GET", f"/api/models/{repository}/commits/main").json()
    assert (len(history), {one["title"] for one in history[:-1]}) == (17, {f"n{number}" for number in range(16)})


def test_of_two_commits_on_one_parent_one_is_refused(client: Client, repository: str):
    root = client.head(repository)
    model = GenerativeModel.objects.select_related("organization").get(organization=client.party.organization)
    start, outcomes = threading.Barrier(2), []

    def one(number: int) -> None:
        try:
            pending = PendingCommit(client.party.actor)
            pending.take([Header("x", "", root), InlineFile("config.json", b"%d" % number)])
            start.wait()
            commit_changes(repository=reading.Repository(model, True, None), pending=pending)
            outcomes.append("made")
        except BaseException as error:
            outcomes.append(type(error).__name__)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["StaleParent", "made"]


def test_a_commit_to_a_repository_that_was_deleted_in_between_is_refused(client: Client, repository: str):
    model = GenerativeModel.objects.select_related("organization").get(organization=client.party.organization)
    pending = PendingCommit(client.party.actor)
    pending.take([Header("x", "", None), InlineFile("README.md", CARD)])
    assert client.request("DELETE", "/api/repos/delete", {"name": "icons"}).status == 200
    with pytest.raises(RepositoryNotFound):
        commit_changes(repository=reading.Repository(model, True, None), pending=pending)


def test_an_interrupted_commit_changes_nothing(front_client: FrontClient, client: Client, repository: str):
    header = b'{"key": "header", "value": {"summary": "s"}}\n'
    file = {"key": "file", "value": {"path": "README.md", "content": base64.b64encode(CARD).decode()}}
    coming = [
        {"type": "http.request", "body": header + json.dumps(file).encode() + b"\n", "more_body": True},
        {"type": "http.disconnect"},
    ]
    answers: list[object] = []

    async def receive() -> dict[str, object]:
        return coming.pop(0)

    async def send(message: object) -> None:
        answers.append(message)

    headers = [(b"authorization", f"Bearer {client.key}".encode())]
    path = f"/api/models/{repository}/commit/main"
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
    front_client._runner.run(front_client.front(scope, receive, send))
    assert answers == []
    assert versions(repository) == 0
    assert client.commit(repository, {"README.md": CARD}).status == 200


def test_a_long_history_comes_in_pages(client: Client, repository: str):
    model = GenerativeModel.objects.get(organization=client.party.organization)
    ModelVersion.objects.bulk_create(
        ModelVersion(id=f"{model.pk.hex[-8:]}{number:032x}", model=model, number=number, message=f"n{number}", size=0)
        for number in range(1, 206)
    )
    found, address = [], f"/api/models/{repository}/commits/main"
    while address:
        answer = client.request("GET", address)
        found.append([one["title"] for one in answer.json()])
        link = answer.headers.get("link", "")
        address = link.removeprefix("<http://").partition("/")[2].partition(">")[0]
        address = f"/{address}" if address else ""
    assert [len(page) for page in found] == [100, 100, 6]
    titles = [title for page in found for title in page]
    assert titles[:-1] == [f"n{number}" for number in range(205, 0, -1)]
    assert client.request("GET", f"/api/models/{repository}/commits/main?cursor=x").status == 400
