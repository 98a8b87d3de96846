"""Pictures in calls: uploads, data: URIs and links of this market; everything else is refused by field."""

import io
import json
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.utils import timezone
from PIL import Image
from rest_framework.test import APIClient

from inference.domain.files import MAX_FILE_BYTES
from inference.domain.lifecycle import Status
from inference.links import artifact_path, thumbnail_path, upload_path
from inference.models import Artifact, InputFile, Node, Prediction
from inference.services.files import MAX_UPLOADS, expire_uploads
from inference.worker.claims import Ended, claim, complete
from inference.worker.files import LOST, read_files
from marketplace.accounts.services.api_keys import revoke_key
from marketplace.catalog.models import Listing
from marketplace.core import links
from marketplace.core.ids import new_id, parse_short, short
from marketplace.core.storage import BlobStore, blob_store
from tests.integration.api.conftest import Buyer
from tests.integration.api.test_create import assert_problem
from tests.support.front_client import Answer, FrontClient
from tests.support.parties import make_listing, make_party
from tests.support.pictures import animation, bomb, data_uri, picture, turned
from tests.unit.providers.test_single_folder import make

BOUNDARY = "frontier"


@pytest.fixture
def matting(database: None, tmp_path: Path) -> Listing:
    return make_listing(folder=make(tmp_path / "matting", "matting"))


@pytest.fixture
def address(matting: Listing) -> str:
    return f"/v1/models/{matting.model.organization.slug}/{matting.model.name}/predictions"


def form(*parts: tuple[str, str | None, bytes]) -> bytes:
    body = b""
    for name, filename, content in parts:
        named = f'; filename="{filename}"' if filename is not None else ""
        kind = "\r\nContent-Type: image/png" if filename is not None else ""
        body += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{named}{kind}\r\n\r\n'.encode()
        body += content + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode()


def send(front_client: FrontClient, key: str | None, body: bytes, *, path: str = "/v1/files", **more: Any) -> Answer:
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    return front_client.request("POST", path, body, key=key, headers=headers, **more)


def upload(front_client: FrontClient, buyer: Buyer, data: bytes, name: str = "cat.png") -> dict[str, Any]:
    answer = send(front_client, buyer.key, form(("content", name, data)))
    assert answer.status == 201, answer.body
    return answer.json()


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def test_an_upload_is_stored_listed_downloaded_and_deleted(front_client: FrontClient, buyer: Buyer):
    data = picture(30, 40, format="JPEG")
    made = send(front_client, buyer.key, form(("metadata", None, b'{"a": 1}'), ("content", "a b.jpg", data))).json()
    file = InputFile.objects.get(pk=parse_short(made["id"]))
    assert (file.organization_id, file.sha256) == (buyer.party.organization.pk, made["checksums"]["sha256"])
    assert {name: made[name] for name in ("name", "content_type", "size", "metadata", "width", "height")} == {
        "name": "a b.jpg",
        "content_type": "image/jpeg",
        "size": len(data),
        "metadata": {"a": 1},
        "width": 30,
        "height": 40,
    }
    assert file.expires_at - timezone.now() > timedelta(hours=23, minutes=59)
    rest = APIClient(HTTP_AUTHORIZATION=f"Bearer {buyer.key}")
    assert rest.get(path_of(made["urls"]["get"])).json() == made
    assert rest.get("/v1/files").json()["results"] == [made]
    for headers in ({}, {"key": buyer.key}):
        link = path_of(made["urls"]["download"]) if not headers else f"/v1/files/{made['id']}/download"
        answer = front_client.request("GET", link, **headers)
        assert (answer.status, answer.body, answer.headers["content-type"]) == (200, data, "image/jpeg")
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert rest.delete(f"/v1/files/{made['id']}").status_code == 204
    assert rest.get(f"/v1/files/{made['id']}").status_code == 404
    assert rest.delete(f"/v1/files/{made['id']}").status_code == 404
    assert front_client.request("GET", path_of(made["urls"]["download"])).status == 404


def test_a_prediction_stores_a_reference_and_shows_a_link(front_client: FrontClient, buyer: Buyer, address: str):
    data = picture(200, 150)
    values = [
        upload(front_client, buyer, data)["urls"]["get"],
        data_uri(data),
        data_uri(data, "application/octet-stream"),
    ]
    values.append(urlsplit(values[0]).path)
    values.append(path_of(upload(front_client, buyer, data)["urls"]["download"]))
    stored = []
    for value in values:
        answer = front_client.request("POST", address, {"input": {"image": value}}, key=buyer.key)
        assert answer.status == 201, answer.body
        document = answer.json()
        row = Prediction.objects.get(pk=parse_short(document["id"]))
        assert (row.batch_key, row.amount_held, len(json.dumps(row.input)) < 300) == ("200x150", 4_000, True)
        stored.append(row.input)
        shown = front_client.request("GET", path_of(document["input"]["image"]))
        assert (shown.status, shown.body, shown.headers["content-type"]) == (200, data, "image/png")
    assert stored[1:] == stored[:-1]
    assert set(stored[0]) == {"image", "output_format"}
    assert set(stored[0]["image"]) == {"$file", "media_type", "size", "width", "height"}


def test_the_picture_outlives_its_upload(front_client: FrontClient, buyer: Buyer, address: str):
    made = upload(front_client, buyer, picture())
    id_ = front_client.request("POST", address, {"input": {"image": made["urls"]["get"]}}, key=buyer.key).json()["id"]
    InputFile.objects.filter(pk=parse_short(made["id"])).update(expires_at=timezone.now())
    assert front_client.request("GET", path_of(made["urls"]["download"])).status == 404
    assert expire_uploads() >= 1
    assert not InputFile.objects.filter(pk=parse_short(made["id"])).exists()
    shown = (
        front_client.request("GET", f"/v1/predictions/{id_}").status,
        front_client.request("GET", f"/v1/predictions/{id_}/inputs/image", key=buyer.key),
    )
    assert shown[1].body == picture()


def test_results_and_inputs_of_predictions_are_inputs_too(
    front_client: FrontClient, buyer: Buyer, other: Buyer, matting: Listing, address: str
):
    first = front_client.request("POST", address, {"input": {"image": data_uri(picture())}}, key=buyer.key).json()
    artifact = finish(matting, picture(90, 80, seed=5))
    first = front_client.request("GET", f"/v1/predictions/{first['id']}", key=buyer.key).json()
    (result,) = first["output"]
    own = (result, path_of(result), urlsplit(result).path, first["input"]["image"], thumbnail_path(result, side=256))
    for value in own:
        answer = front_client.request("POST", address, {"input": {"image": value}}, key=buyer.key)
        assert answer.status == 201, (value, answer.body)
    named = Prediction.objects.get(pk=parse_short(answer.json()["id"]))
    assert named.input["image"]["$file"] == artifact.sha256, "of a thumbnail the original is taken"
    # The holder of a signed link may view the picture, and so may use it; without the signature only the owner may.
    assert front_client.request("POST", address, {"input": {"image": result}}, key=other.key).status == 201
    before = other.state()
    for value in (urlsplit(result).path, urlsplit(first["input"]["image"]).path, result[:-1]):
        answer = front_client.request("POST", address, {"input": {"image": value}}, key=other.key)
        detail = "input.image is a link that has expired or leads to nothing"
        assert_problem(answer, 422, path=address, detail=detail, fields=["input.image"])
    assert other.state() == before


def test_an_expired_link_is_refused(
    front_client: FrontClient, buyer: Buyer, other: Buyer, matting: Listing, address: str, settings
):  # type: ignore[no-untyped-def]
    front_client.request("POST", address, {"input": {"image": data_uri(picture())}}, key=buyer.key)
    artifact = finish(matting, picture())
    settings.ARTIFACT_LINK_SECONDS = -3601
    link = artifact_path(artifact.pk)
    answer = front_client.request("POST", address, {"input": {"image": link}}, key=other.key)
    assert_problem(answer, 422, path=address, detail="input.image is a link that has expired", fields=["input.image"])


def finish(listing: Listing, data: bytes) -> Artifact:
    """Act as the node: claim waiting predictions and return a picture."""
    node = Node.objects.create(id=f"node-{new_id()}", boot=new_id(), device_kind="cpu", device_name="t", memory_bytes=0)
    (claimed,), _ = claim(node=node.pk, device="test", version=listing.version_id, limit=1)
    size = Image.open(io.BytesIO(data)).size
    file = {"id": str(new_id()), "position": 0, "sha256": blob_store().put(data).sha256, "media_type": "image/png"}
    file |= {"size": len(data), "width": size[0], "height": size[1]}
    done = Ended(claimed.id, claimed.attempt, "succeeded", quantities={"image": 1}, source="t", artifacts=[file])
    assert complete([done]) == [(claimed.id, None)]
    return Artifact.objects.get(prediction=claimed.id)


REFUSED = [
    ("a cat", "is no address of this market, and nothing is fetched from elsewhere: upload the picture with POST /v1/"),
    ("", "is no address of this market"),
    ("http://169.254.169.254/latest/meta-data/", "is no address of this market"),
    ("https://example.com/cat.png", "is no address of this market"),
    ("http://localhost:8000@example.com/artifacts/x", "is no address of this market"),
    ("//example.com/artifacts/x", "is no address of this market"),
    ("file:///etc/passwd", "is no address of this market"),
    ("http://[::1", "is no address of this market"),
    ("/etc/passwd", "is no address of this market"),
    ("/v1/files", "is no address of this market"),
    ("/artifacts/../v1/files/x", "is no address of this market"),
    (f"/artifacts/{short(new_id())}", "is a link that has expired or leads to nothing"),
    ("/artifacts/%00", "is a link that has expired or leads to nothing"),
    (f"/v1/predictions/{short(new_id())}/inputs/image", "is a link that has expired or leads to nothing"),
    (f"/v1/files/{short(new_id())}", "is no file of yours, or one that has expired"),
    ("data:,hello", "must be a data: URI in base64"),
    ("data:image/png;base64,$$$", "is a data: URI that is no valid base64"),
    ("data:image/png;base64,", "is no PNG, JPEG or WebP picture, or is damaged"),
    (data_uri(b"GIF89a" + bytes(100)), "is no PNG, JPEG or WebP picture, or is damaged"),
    (data_uri(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), "is no PNG, JPEG or WebP picture, or is damaged"),
    (data_uri(picture(format="JPEG")[:-200]), "is no PNG, JPEG or WebP picture, or is damaged"),
    (data_uri(picture()[:-60]), "is no PNG, JPEG or WebP picture, or is damaged"),
    (data_uri(picture(15, 40)), "is 15×40 pixels; each side must have 16 to 512"),
    (data_uri(picture(40, 513)), "is 40×513 pixels; each side must have 16 to 512"),
    (data_uri(turned(513, 40)), "is 40×513 pixels; each side must have 16 to 512"),
    (data_uri(animation(), "image/webp"), "is an animation; send one picture"),
    (data_uri(picture(4_100, 4_100, mode="1")), "is a picture of 4100×4100 with more than 16,777,216 pixels"),
]  # fmt: skip


def test_an_unusable_picture_is_refused_by_field_without_a_hold(front_client: FrontClient, buyer: Buyer, address: str):
    before = buyer.state()
    for value, detail in REFUSED:
        answer = front_client.request("POST", address, {"input": {"image": value}}, key=buyer.key)
        assert_problem(answer, 422, path=address, detail=f"input.image {detail}", fields=["input.image"])
        assert len(answer.body) < 2_000
    reference = {"$file": "0" * 64, "media_type": "image/png", "size": 1, "width": 64, "height": 64}
    answer = front_client.request("POST", address, {"input": {"image": reference}}, key=buyer.key)
    detail = "must not be an object with the key $file"
    assert_problem(answer, 422, path=address, detail=detail, fields=["input.image"] * 2)
    for value in (7, None, True, ["x"], {"a": 1}):
        answer = front_client.request("POST", address, {"input": {"image": value}}, key=buyer.key)
        assert_problem(answer, 422, path=address, detail="must be of type string", fields=["input.image"])
    answer = front_client.request("POST", address, {"input": {}}, key=buyer.key)
    assert_problem(answer, 422, path=address, detail="is required", fields=["input.image"])
    answer = front_client.request("POST", address, {"input": "x"}, key=buyer.key)
    assert_problem(answer, 422, path=address, detail="must be an object", fields=["input"])
    assert buyer.state() == before


def test_a_small_file_that_unpacks_to_a_gigabyte_is_refused_without_unpacking(
    front_client: FrontClient, buyer: Buyer, address: str
):
    before, data = buyer.state(), bomb()
    assert len(data) < 2_000_000
    started = time.monotonic()
    answer = front_client.request("POST", address, {"input": {"image": data_uri(data)}}, key=buyer.key)
    assert_problem(answer, 422, path=address, detail="with more than 16,777,216 pixels", fields=["input.image"])
    answer = send(front_client, buyer.key, form(("content", "bomb.png", data)))
    assert_problem(answer, 422, path="/v1/files", detail="with more than 16,777,216 pixels", fields=["content"])
    assert time.monotonic() - started < 5
    assert buyer.state() == before
    assert not InputFile.objects.filter(organization=buyer.party.organization).exists()


def test_another_tenants_upload_is_not_found(front_client: FrontClient, buyer: Buyer, other: Buyer, address: str):
    theirs = upload(front_client, other, picture())
    before = buyer.state()
    answer = front_client.request("POST", address, {"input": {"image": theirs["urls"]["get"]}}, key=buyer.key)
    detail = "input.image is no file of yours, or one that has expired; upload it again"
    assert_problem(answer, 422, path=address, detail=detail, fields=["input.image"])
    own = {"request_id": ""}
    link = front_client.request("POST", address, {"input": {"image": theirs["urls"]["download"][:-1]}}, key=buyer.key)
    assert link.json() | own == answer.json() | own
    # The same as for an unknown id.
    unknown = front_client.request("POST", address, {"input": {"image": f"/v1/files/{short(new_id())}"}}, key=buyer.key)
    assert unknown.json() | own == answer.json() | own
    rest = APIClient(HTTP_AUTHORIZATION=f"Bearer {buyer.key}")
    for call in (rest.get, rest.delete):
        assert call(f"/v1/files/{theirs['id']}").status_code == 404
    assert rest.get("/v1/files").json()["results"] == []
    assert front_client.request("GET", f"/v1/files/{theirs['id']}/download", key=buyer.key).status == 404
    assert InputFile.objects.filter(pk=parse_short(theirs["id"])).exists()
    assert buyer.state() == before


def test_another_tenants_input_is_not_found(front_client: FrontClient, buyer: Buyer, other: Buyer, address: str):
    document = front_client.request("POST", address, {"input": {"image": data_uri(picture())}}, key=other.key).json()
    path = f"/v1/predictions/{document['id']}/inputs/image"
    assert front_client.request("GET", path, key=buyer.key).status == 404
    assert front_client.request("GET", path).status == 401
    assert front_client.request("GET", path, key=other.key).status == 200
    for name in ("output_format", "nothing", "%00"):
        assert (
            front_client.request("GET", f"/v1/predictions/{document['id']}/inputs/{name}", key=other.key).status == 404
        )


FORMS = [
    (b"", "has no file", 422),
    (b"x" * 1_000, "has no file", 422),
    (form(("content", None, b"text")), "has no file", 422),
    (form(("file", "a.png", picture())), "has no file", 422),
    (form(("content", "a.png", b"")), "is no PNG, JPEG or WebP picture", 422),
    (form(("content", "a.png", b"%PDF-1.7")), "is no PNG, JPEG or WebP picture", 422),
    (form(("content", "a.png", picture()), ("metadata", None, b"[]")), "metadata cannot be read", 422),
    (form(("content", "a.png", picture()), ("metadata", None, b"{" * 9_000)), "metadata cannot be read", 422),
    (form(*(("field", None, b"x"),) * 2_000), "The form cannot be read", 400),
]


@pytest.mark.parametrize(("body", "detail", "status"), FORMS, ids=lambda part: str(part)[:20])
def test_invalid_upload_forms_store_nothing(
    front_client: FrontClient, buyer: Buyer, body: bytes, detail: str, status: int
):
    before = buyer.state()
    assert_problem(send(front_client, buyer.key, body), status, path="/v1/files", detail=detail)
    assert buyer.state() == before
    assert not InputFile.objects.filter(organization=buyer.party.organization).exists()


def test_uploads_are_bounded_before_they_are_read(front_client: FrontClient, buyer: Buyer):
    large = bytes(1_000_000)
    answer = send(front_client, buyer.key, b"", pieces=[large] * 25)
    assert_problem(answer, 413, path="/v1/files", detail=f"at most {MAX_FILE_BYTES + 65_536} bytes")
    body = form(("content", "a.png", bytes(MAX_FILE_BYTES + 1)))
    answer = send(front_client, buyer.key, body)
    assert_problem(answer, 413, path="/v1/files", detail="A file may have at most 20,000,000 bytes")
    json_body = front_client.request("POST", "/v1/files", {"content": "x"}, key=buyer.key)
    assert_problem(json_body, 400, path="/v1/files", detail="Send a form as multipart/form-data")


def test_uploads_need_a_buyers_key(front_client: FrontClient, buyer: Buyer):
    body = form(("content", "a.png", picture()))
    assert send(front_client, None, body).status == 401
    assert send(front_client, "bourse_wrong", body).status == 401
    front_client.request("GET", "/v1/predictions/x", key=buyer.key)  # a fresh snapshot of the key does not help it
    revoke_key(actor=buyer.party.actor, key_id=buyer.key_row.pk)
    assert send(front_client, buyer.key, body).status == 401
    assert not InputFile.objects.filter(organization=buyer.party.organization).exists()


def test_pages_upload_by_a_signed_link_of_their_organisation(
    front_client: FrontClient, buyer: Buyer, other: Buyer, settings
):  # type: ignore[no-untyped-def]
    body = form(("content", "a.png", picture()))
    link = upload_path(buyer.party.organization.pk)
    made = send(front_client, None, body, path=link).json()
    assert InputFile.objects.get(pk=parse_short(made["id"])).organization_id == buyer.party.organization.pk
    query = link.split("?")[1]
    for wrong in (link.split("?")[0], link[:-1], f"{upload_path(other.party.organization.pk).split('?')[0]}?{query}"):
        assert send(front_client, None, body, path=wrong).status == 403
    gone = links.sign(f"/v1/uploads/{short(new_id())}", seconds=60)
    assert send(front_client, None, body, path=gone).status == 404
    provider = make_party(can_buy=False, can_provide=True)
    assert send(front_client, None, body, path=upload_path(provider.organization.pk)).status == 403


def test_uploads_of_an_organisation_are_bounded(front_client: FrontClient, buyer: Buyer):
    made = upload(front_client, buyer, picture())
    row = InputFile.objects.get(pk=parse_short(made["id"]))
    fields = {name: getattr(row, name) for name in ("sha256", "media_type", "size", "width", "height", "expires_at")}
    more = [InputFile(organization=buyer.party.organization, name="x", **fields) for _ in range(MAX_UPLOADS - 1)]
    InputFile.objects.bulk_create(more)
    answer = send(front_client, buyer.key, form(("content", "a.png", picture())))
    assert_problem(answer, 409, path="/v1/files", detail="There are 1000 uploads already; delete some")
    APIClient(HTTP_AUTHORIZATION=f"Bearer {buyer.key}").delete(f"/v1/files/{made['id']}")
    upload(front_client, buyer, picture())


def test_an_interrupted_upload_stores_nothing(front_client: FrontClient, buyer: Buyer):
    sent: list[object] = []
    coming = [{"type": "http.request", "body": form(("content", "a.png", picture()))[:100], "more_body": True}]

    async def receive() -> dict[str, object]:
        return coming.pop(0) if coming else {"type": "http.disconnect"}

    async def keep(message: object) -> None:
        sent.append(message)

    headers = [
        (b"authorization", f"Bearer {buyer.key}".encode()),
        (b"content-type", f"multipart/form-data; boundary={BOUNDARY}".encode()),
    ]
    scope = {"type": "http", "method": "POST", "path": "/v1/files", "query_string": b"", "headers": headers}
    front_client._runner.run(front_client.front(scope, receive, keep))
    assert sent == []
    assert not InputFile.objects.filter(organization=buyer.party.organization).exists()


def test_a_missing_input_blob_fails_only_its_prediction(
    front_client: FrontClient, buyer: Buyer, matting: Listing, address: str, tmp_path: Path
):
    for seed in (101, 102):
        inputs = {"image": data_uri(picture(seed=seed))}
        assert front_client.request("POST", address, {"input": inputs}, key=buyer.key).status == 201
    node = Node.objects.create(id=f"node-{new_id()}", boot=new_id(), device_kind="cpu", device_name="t", memory_bytes=0)
    claimed, _ = claim(node=node.pk, device="test", version=matting.version_id, limit=8)
    assert len(claimed) == 2
    files, lost = read_files(claimed, blob_store())
    assert ([files[one.id]["image"] for one in claimed], lost) == ([picture(seed=101), picture(seed=102)], [])
    gone = replace(claimed[0], input={"image": claimed[0].input["image"] | {"$file": "0" * 64}})
    files, lost = read_files([gone, claimed[1]], blob_store())
    assert list(files) == [claimed[1].id]
    assert [(end.id, end.status, end.error) for end in lost] == [(gone.id, Status.FAILED, LOST)]
    assert complete(lost) == [(gone.id, None)]
    assert (buyer.balance().posted, buyer.balance().held) == (1_000_000, 4_000)


def test_the_same_picture_is_stored_once(
    front_client: FrontClient, buyer: Buyer, other: Buyer, address: str, monkeypatch
):  # type: ignore[no-untyped-def]
    made = {upload(front_client, one, picture(seed=9))["etag"] for one in (buyer, buyer, other)}
    assert len(made) == 1
    assert isinstance(blob_store(), BlobStore)
    assert blob_store().has(made.pop())
    assert InputFile.objects.filter(organization=buyer.party.organization).count() == 2
