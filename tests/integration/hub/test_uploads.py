"""Uploads through LFS: announced, sent, verified; other content and foreign files are refused."""

import os
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connections
from django.utils import timezone

from marketplace.accounts.services.api_keys import revoke_key
from marketplace.core.ids import short
from marketplace.core.storage import BlobMissing, blob_store
from providers.hub import lfs, uploads
from providers.models import LfsPart, LfsUpload, NamespaceBlob
from providers.selectors import owned_blobs
from tests.integration.hub.conftest import Client, inside, sha256
from tests.support.front_client import FrontClient

LARGE = lfs.MAX_SINGLE_PART_BYTES + 1


def owned(client: Client, *contents: bytes) -> bool:
    digests = [sha256(content) for content in contents]
    return owned_blobs(client.party.organization.pk, digests) == dict(zip(digests, map(len, contents), strict=True))


def stored(blobs: Path) -> list[str]:
    return sorted(path.relative_to(blobs).as_posix() for path in blobs.rglob("*") if path.is_file())


def wanted(client: Client, repository: str, content: bytes) -> dict[str, object]:
    (one,) = client.announce(repository, content).json()["objects"]
    return one["actions"]["upload"]


def test_a_file_comes_once(front_client: FrontClient, client: Client, repository: str, weights: bytes):
    answer = client.announce(repository, weights)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/vnd.git-lfs+json")
    document = answer.json()
    assert (document["transfer"], document["hash_algo"]) == ("basic", "sha256")
    (one,) = document["objects"]
    upload = one["actions"]["upload"]
    assert (one["oid"], one["size"], upload["header"]) == (sha256(weights), len(weights), {})
    assert not owned(client, weights)
    put = front_client.request("PUT", inside(upload["href"]), weights)  # without a key, as clients send it
    assert (put.status, put.headers["etag"]) == (200, f'"{sha256(weights)}"')
    verify = client.request("POST", inside(one["actions"]["verify"]["href"]), {"oid": one["oid"], "size": one["size"]})
    assert verify.status == 200
    assert owned(client, weights)
    assert client.announce(repository, weights).json()["objects"] == [{"oid": sha256(weights), "size": len(weights)}]


def test_a_digest_alone_gives_no_access_to_a_file(client: Client, stranger: Client, repository: str, weights: bytes):
    client.upload(repository, weights)
    stranger.create("icons")
    theirs = f"{stranger.owner}/icons"
    (one,) = stranger.announce(theirs, weights).json()["objects"]
    assert "actions" in one
    verify = stranger.request("POST", f"/{theirs}.git/info/lfs/verify", {"oid": sha256(weights), "size": len(weights)})
    assert verify.status == 404
    refused = stranger.commit(theirs, large={"unet/diffusion_pytorch_model.safetensors": weights})
    assert (refused.status, "was not uploaded to this organisation" in refused.body.decode()) == (400, True)
    assert stranger.paths(theirs) == []
    stranger.upload(theirs, weights)
    assert owned(stranger, weights)


def test_content_that_differs_from_the_announcement_is_not_stored(
    front_client: FrontClient, client: Client, repository: str, blobs: Path
):
    content = os.urandom(3_000)
    href = inside(str(wanted(client, repository, content)["href"]))
    for body, status in [(os.urandom(3_000), 400), (content[:-1], 400), (b"", 400), (content + b"x", 413)]:
        answer = front_client.request("PUT", href, body)
        assert answer.status == status
        assert answer.json()["error"]
    assert stored(blobs) == []
    assert not owned(client, content)
    verify = client.request("POST", f"/{repository}.git/info/lfs/verify", {"oid": sha256(content), "size": 3_000})
    assert verify.status == 404
    assert front_client.request("PUT", href, content).status == 200


def test_an_interrupted_upload_leaves_nothing_and_can_be_repeated(
    front_client: FrontClient, client: Client, repository: str, blobs: Path
):
    content = os.urandom(3_000_000)
    href = inside(str(wanted(client, repository, content)["href"]))
    path, _, query = href.partition("?")
    coming = [{"type": "http.request", "body": content[:2_000_000], "more_body": True}, {"type": "http.disconnect"}]
    answers: list[object] = []

    async def receive() -> dict[str, object]:
        return coming.pop(0)

    async def send(message: object) -> None:
        answers.append(message)

    scope = {"type": "http", "method": "PUT", "path": path, "query_string": query.encode(), "headers": []}
    front_client._runner.run(front_client.front(scope, receive, send))
    assert (answers, stored(blobs)) == ([], [])
    assert front_client.request("PUT", href, pieces=[content[:7], content[7:]]).status == 200
    assert owned(client, content)


def test_a_link_is_for_one_upload_of_one_organisation(
    front_client: FrontClient, client: Client, stranger: Client, repository: str, weights: bytes
):
    stranger.create("icons")
    mine = inside(str(wanted(client, repository, weights)["href"]))
    theirs = inside(str(wanted(stranger, f"{stranger.owner}/icons", weights)["href"]))
    assert mine.partition("?")[0] != theirs.partition("?")[0]
    forged = theirs.partition("?")[0] + "?" + mine.partition("?")[2]
    for address in (forged, mine.partition("?")[0], mine.replace("signature=", "signature=0"), mine + "0"):
        answer = front_client.request("PUT", address, weights)
        assert (answer.status, "Start the upload again" in answer.json()["error"]) == (403, True)
    assert not owned(client, weights)
    assert not owned(stranger, weights)
    assert front_client.request("PUT", mine, weights).status == 200
    assert (owned(client, weights), owned(stranger, weights)) == (True, False)


def test_a_link_ends_with_its_key_and_with_its_upload(
    front_client: FrontClient, client: Client, repository: str, weights: bytes
):
    href = inside(str(wanted(client, repository, weights)["href"]))
    LfsUpload.objects.filter(organization=client.party.organization).update(expires_at=timezone.now())
    assert front_client.request("PUT", href, weights).status == 403
    href = inside(str(wanted(client, repository, weights)["href"]))
    revoke_key(actor=client.party.actor, key_id=client.key_row.pk)
    answer = front_client.request("PUT", href, weights)
    assert (answer.status, "revoked" in answer.json()["error"]) == (403, True)
    assert not owned(client, weights)


def test_the_same_file_can_be_uploaded_twice_concurrently(
    front_client: FrontClient, client: Client, repository: str, weights: bytes
):
    hrefs = [inside(str(wanted(client, repository, weights)["href"])) for _ in range(2)]
    assert front_client.request("PUT", hrefs[0], weights).status == 200
    assert (
        front_client.request("PUT", hrefs[1], weights).status == 200
    )  # the second was on its way when the first was done
    assert owned(client, weights)
    assert NamespaceBlob.objects.filter(organization=client.party.organization).count() == 1


class Multipart:
    """A large file that is uploaded in parts."""

    def __init__(self, client: Client, repository: str) -> None:
        self.client, self.content = client, os.urandom(LARGE)
        upload = wanted(client, repository, self.content)
        self.header, self.href = upload["header"], inside(str(upload["href"]))
        self.etags: dict[int, str] = {}

    def part(self, number: int) -> bytes:
        return self.content[(number - 1) * lfs.PART_BYTES : number * lfs.PART_BYTES]

    def put(self, number: int, data: bytes | None = None) -> int:
        body = self.part(number) if data is None else data
        pieces = [body[start : start + 1_000_000] for start in range(0, max(1, len(body)), 1_000_000)]
        answer = self.client.front_client.request("PUT", inside(self.header[str(number)]), pieces=pieces)
        self.etags[number] = answer.headers.get("etag", "")
        return answer.status

    def complete(self):  # type: ignore[no-untyped-def]
        parts = [{"partNumber": number, "etag": etag} for number, etag in sorted(self.etags.items())]
        return self.client.front_client.request("POST", self.href, {"oid": sha256(self.content), "parts": parts})

    def row(self) -> LfsUpload:
        return LfsUpload.objects.get(sha256=sha256(self.content))


@pytest.fixture
def multipart(client: Client, repository: str) -> Multipart:
    return Multipart(client, repository)


def test_a_large_file_is_uploaded_in_parts(client: Client, multipart: Multipart, blobs: Path):
    assert multipart.header.pop("chunk_size") == str(lfs.PART_BYTES)
    assert sorted(multipart.header) == ["1", "2", "3"]
    assert [multipart.put(number) for number in (3, 1, 2)] == [200, 200, 200]
    assert not owned(client, multipart.content)
    assert multipart.complete().status == 200
    assert owned(client, multipart.content)
    digest = sha256(multipart.content)
    assert stored(blobs) == [f"sha256/{digest[:2]}/{digest}"]  # no part is left
    assert b"".join(blob_store().chunks(digest)) == multipart.content
    assert multipart.complete().status == 200  # the client repeats a request whose answer was lost


def test_a_client_without_multipart_sends_it_in_one_piece(client: Client, repository: str):
    (one,) = client.announce(repository, bytes(LARGE), transfers=("basic",)).json()["objects"]
    assert one["actions"]["upload"]["header"] == {}


def test_wrong_missing_and_foreign_parts_are_refused(client: Client, multipart: Multipart, blobs: Path):
    assert multipart.put(1, multipart.part(1)[:-1]) == 400
    assert multipart.put(1, multipart.part(1) + b"x") == 413
    assert (
        multipart.client.front_client.request("PUT", inside(multipart.header["1"]).replace("/1?", "/4?"), b"x").status
        == 403
    )
    assert stored(blobs) == []
    multipart.etags = {}
    assert [multipart.put(number) for number in (1, 2)] == [200, 200]
    assert multipart.complete().status == 400
    multipart.etags[3] = '"' + "0" * 64 + '"'
    incomplete = multipart.complete()
    assert (incomplete.status, "not complete" in incomplete.json()["error"]) == (400, True)
    other = os.urandom(len(multipart.part(3)))
    assert multipart.put(3, other) == 200
    refused = multipart.complete()
    assert (refused.status, "They were deleted" in refused.json()["error"]) == (400, True)
    assert (stored(blobs), owned(client, multipart.content)) == ([], False)
    assert [multipart.put(number) for number in (1, 2, 3)] == [200, 200, 200]  # a repetition succeeds
    assert multipart.complete().status == 200
    assert owned(client, multipart.content)


def test_a_repeated_part_replaces_the_earlier_one(client: Client, multipart: Multipart, blobs: Path):
    multipart.put(1, os.urandom(lfs.PART_BYTES))
    first = multipart.etags[1]
    multipart.put(1)
    assert len(stored(blobs)) == 1  # sending again and again fills no disk
    for number in (1, 2, 3):
        multipart.put(number)
    right = dict(multipart.etags)
    multipart.etags[1] = first
    assert multipart.complete().status == 400  # the client means a part that was replaced
    multipart.etags = right
    assert multipart.complete().status == 200


def test_two_completions_at_once_make_one_blob(client: Client, multipart: Multipart):
    for number in (1, 2, 3):
        multipart.put(number)
    digests = [etag.strip('"') for _, etag in sorted(multipart.etags.items())]
    errors: list[BaseException] = []

    def complete(upload: LfsUpload) -> None:
        try:
            uploads.assemble(upload=upload, digests=digests)
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=complete, args=(multipart.row(),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert owned(client, multipart.content)


def test_abandoned_uploads_are_swept(
    client: Client, multipart: Multipart, blobs: Path, weights: bytes, repository: str
):
    multipart.put(1)
    multipart.put(2)
    client.upload(repository, weights)
    draft = blobs / "incoming-dead"
    draft.write_bytes(b"x")
    assert uploads.sweep() == 0
    assert (len(stored(blobs)), draft.exists()) == (4, True)
    LfsUpload.objects.filter(organization=client.party.organization).update(expires_at=timezone.now() - timedelta(1))
    os.utime(draft, (0, 0))
    orphan = blobs / "aside" / ("0" * 26) / "1-x"
    orphan.parent.mkdir()
    orphan.write_bytes(b"x")
    uploads.sweep()
    assert stored(blobs) == [f"sha256/{sha256(weights)[:2]}/{sha256(weights)}"]
    assert not LfsUpload.objects.filter(organization=client.party.organization).exists()
    assert not LfsPart.objects.filter(upload__organization=client.party.organization).exists()
    assert owned(client, weights)  # uploaded content stays
    assert multipart.put(3) == 403


def test_a_staged_part_is_not_a_blob(client: Client, multipart: Multipart):
    multipart.put(1)
    with pytest.raises(BlobMissing):
        blob_store().open(sha256(multipart.part(1)))
    name = LfsPart.objects.get(upload=multipart.row()).name
    assert name.startswith(f"{short(multipart.row().pk)}/1-")
    with blob_store().open_staged(name) as stream:
        assert stream.read() == multipart.part(1)


def test_the_upload_quota_limits_uncommitted_files(settings, client: Client, repository: str):  # type: ignore[no-untyped-def]
    settings.UPLOAD_QUOTA_BYTES = 10_000
    first, second = os.urandom(6_000), os.urandom(6_000)
    one, other = client.announce(repository, first, second).json()["objects"]
    assert "actions" in one
    assert (other["error"]["code"], "wait for a commit" in other["error"]["message"]) == (413, True)
    assert "actions" in client.announce(repository, first).json()["objects"][0]  # announced again, it counts once
    client.upload(repository, first)
    assert "error" in client.announce(repository, second).json()["objects"][0]
    inline = client.commit(repository, {"README.md": os.urandom(5_000)})
    assert inline.status == 413
    assert client.commit(repository, large={"unet/diffusion_pytorch_model.safetensors": first}).status == 200
    assert "actions" in client.announce(repository, second).json()["objects"][0]
    LfsUpload.objects.filter(organization=client.party.organization).update(expires_at=timezone.now())
    assert "actions" in client.announce(repository, os.urandom(9_000)).json()["objects"][0]


def test_a_file_above_the_size_limit_is_refused(client: Client, repository: str):
    document = {"operation": "upload", "objects": [{"oid": "0" * 64, "size": lfs.MAX_FILE_BYTES + 1}]}
    answer = client.request("POST", f"/{repository}.git/info/lfs/objects/batch", document)
    assert "max_shard_size" in answer.json()["objects"][0]["error"]["message"]


def test_announcing_another_size_gives_a_new_link(
    front_client: FrontClient, client: Client, repository: str, weights: bytes
):
    document = {"operation": "upload", "objects": [{"oid": sha256(weights), "size": 7}]}
    lie = client.request("POST", f"/{repository}.git/info/lfs/objects/batch", document).json()["objects"][0]
    client.upload(repository, weights)
    assert front_client.request("PUT", inside(lie["actions"]["upload"]["href"]), weights).status == 403
    assert client.request("POST", f"/{repository}.git/info/lfs/objects/batch", document).json()["objects"][0]["actions"]
    assert blob_store().has(sha256(weights))


def test_downloads_through_lfs_are_refused(client: Client, repository: str):
    document = {"operation": "download", "objects": [{"oid": "0" * 64, "size": 1}]}
    assert client.request("POST", f"/{repository}.git/info/lfs/objects/batch", document).status == 400
