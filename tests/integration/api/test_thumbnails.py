"""Thumbnails by the links of their pictures."""

import io
import secrets

import pytest
from PIL import Image

from inference.links import artifact_path, input_path, thumbnail_path, upload_download_path
from inference.models import Artifact, Example, InputFile, Thumbnails
from inference.services.thumbnails import make_due
from marketplace.catalog.models import Listing
from marketplace.core.storage import blob_store
from tests.integration.api.conftest import Buyer
from tests.integration.api.test_create import assert_problem
from tests.integration.api.test_files import finish
from tests.support.front_client import FrontClient
from tests.support.pictures import picture


def noise(width: int = 700, height: int = 350) -> bytes:
    return picture(width, height, seed=secrets.randbits(60))


@pytest.fixture
def data() -> bytes:
    return noise()


@pytest.fixture
def artifact(front_client: FrontClient, buyer: Buyer, listing: Listing, address: str, data: bytes) -> Artifact:
    Thumbnails.objects.all().delete()
    assert front_client.request("POST", address, {"input": {"prompt": "x"}}, key=buyer.key).status == 201
    return finish(listing, data)


def size_of(body: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(body)).size


def test_the_original_answers_until_the_thumbnail_is_made(front_client: FrontClient, artifact: Artifact, data: bytes):
    link = thumbnail_path(artifact_path(artifact.pk), side=256)
    for _ in range(2):  # the first request queues it, which no event has done here
        answer = front_client.request("GET", link)
        assert (answer.status, answer.body, answer.headers["cache-control"]) == (200, data, "private, no-cache")
        assert Thumbnails.objects.get(pk=artifact.sha256).due_at is not None
    known = {"If-None-Match": answer.headers["etag"]}
    assert front_client.request("GET", link, headers=known).status == 304
    assert make_due() == 1
    answer = front_client.request("GET", link, headers=known)
    assert (answer.status, size_of(answer.body), answer.headers["content-type"]) == (200, (256, 128), "image/webp")
    assert answer.headers["cache-control"].endswith("immutable")
    assert answer.headers["content-disposition"].endswith('.webp"')
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert len(answer.body) < len(data)
    assert front_client.request("GET", link, headers={"If-None-Match": answer.headers["etag"]}).status == 304
    part = front_client.request("GET", link, headers={"Range": "bytes=10-19"})
    assert (part.status, part.body) == (206, answer.body[10:20])
    head = front_client.request("HEAD", link)
    assert (head.body, head.headers) == (b"", answer.headers)
    large = front_client.request("GET", thumbnail_path(artifact_path(artifact.pk), side=640))
    assert size_of(large.body) == (640, 320)
    assert front_client.request("GET", artifact_path(artifact.pk)).body == data


def test_the_rules_of_links_hold_for_thumbnails(front_client: FrontClient, buyer: Buyer, artifact: Artifact):
    path = artifact_path(artifact.pk).split("?")[0]
    for wrong in (f"{path}?size=256", f"{artifact_path(artifact.pk)[:-1]}&size=256"):
        assert front_client.request("GET", wrong, key=buyer.key).status == 403
    assert not Thumbnails.objects.filter(pk=artifact.sha256).exists()
    Artifact.objects.filter(pk=artifact.pk).delete()
    gone = thumbnail_path(artifact_path(artifact.pk), side=256)
    assert front_client.request("GET", gone).status == 404


@pytest.mark.parametrize("size", ["0", "255", "0256", "256.0", "99999", "-256", "small", "٢٥٦", "256,640"])
def test_other_sizes_are_refused(front_client: FrontClient, artifact: Artifact, size: str):
    link = artifact_path(artifact.pk)
    answer = front_client.request("GET", f"{link}&size={size}")
    assert_problem(answer, 422, path=link.split("?")[0], detail="There are no thumbnails of this size", fields=["size"])


def test_a_picture_that_cannot_be_made_smaller_answers_itself_for_good(front_client: FrontClient, artifact: Artifact):
    Artifact.objects.filter(pk=artifact.pk).update(sha256=blob_store().put(secrets.token_bytes(300)).sha256, size=300)
    link = thumbnail_path(artifact_path(artifact.pk), side=256)
    assert front_client.request("GET", link).headers["cache-control"] == "private, no-cache"
    assert make_due() == 1
    answer = front_client.request("GET", link)
    assert (answer.status, len(answer.body)) == (200, 300)
    assert answer.headers["cache-control"].endswith("immutable")
    assert make_due() == 0


@pytest.mark.parametrize(
    "changed",
    [{"width": 256, "height": 20, "size": 300}, {"media_type": "text/plain"}, {"width": None, "height": None}],
)
def test_what_needs_no_thumbnail_answers_itself_and_is_not_queued(
    front_client: FrontClient, artifact: Artifact, changed: dict[str, object]
):
    Artifact.objects.filter(pk=artifact.pk).update(**changed)
    answer = front_client.request("GET", thumbnail_path(artifact_path(artifact.pk), side=256))
    assert (answer.status, answer.headers["cache-control"].endswith("immutable")) == (200, True)
    assert not Thumbnails.objects.exists()


def test_examples_uploads_and_inputs_have_thumbnails_too(front_client: FrontClient, buyer: Buyer, artifact: Artifact):
    data = noise(300, 600)
    blob = blob_store().put(data)
    file = {"sha256": blob.sha256, "media_type": "image/png", "size": blob.size, "width": 300, "height": 600}
    example = Example.objects.create(
        version_id=artifact.prediction.version_id, position=90, input={}, seconds=1, **file
    )
    upload = InputFile.objects.create(
        organization=buyer.party.organization, name="x.png", expires_at="2999-01-01T00:00Z", **file
    )
    prediction = artifact.prediction
    prediction.input = {"image": {"$file": file.pop("sha256")} | file}
    prediction.save()
    paths = (artifact_path(example.pk), upload_download_path(upload.pk), input_path(prediction.pk, "image"))
    links = [thumbnail_path(path, side=256) for path in paths]
    assert [front_client.request("GET", link).body for link in links] == [data] * 3
    assert make_due() == 1, "one picture, whatever names it"
    assert [size_of(front_client.request("GET", link).body) for link in links] == [(128, 256)] * 3
