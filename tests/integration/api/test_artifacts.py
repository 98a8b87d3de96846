"""Output files: by signed link only, whole or in part."""

import os
import re
import uuid
from urllib.parse import parse_qs, urlsplit

import pytest

from inference.links import artifact_path
from inference.models import Artifact, Node
from inference.worker.claims import Ended, claim, complete
from marketplace.catalog.models import Listing
from marketplace.core import links
from marketplace.core.ids import new_id, parse_short, short
from marketplace.core.storage import blob_store
from tests.integration.api.conftest import Buyer
from tests.support.front_client import FrontClient

SIZE = 3_000
DATA = os.urandom(SIZE)


@pytest.fixture
def artifact(front_client: FrontClient, buyer: Buyer, listing: Listing, address: str) -> Artifact:
    made = front_client.request("POST", address, {"input": {"prompt": "x"}}, key=buyer.key).json()
    node = Node.objects.create(id=f"node-{new_id()}", boot=new_id(), device_kind="cpu", device_name="t", memory_bytes=0)
    (claimed,), _ = claim(node=node.pk, device="test", version=listing.version_id, limit=1)
    blob = blob_store().put(DATA)
    file = {"id": str(new_id()), "position": 0, "sha256": blob.sha256, "media_type": "image/png"}
    file |= {"size": SIZE, "width": 8, "height": 8}
    done = Ended(id=claimed.id, attempt=1, status="succeeded", quantities={"image": 1}, source="t", artifacts=[file])
    assert complete([done]) == [(claimed.id, None)]
    document = front_client.request("GET", f"/v1/predictions/{made['id']}", key=buyer.key).json()
    stored = Artifact.objects.get(prediction=parse_short(made["id"]))
    assert [urlsplit(url).path for url in document["output"]] == [f"/artifacts/{short(stored.pk)}"]
    return stored


@pytest.fixture
def link(artifact: Artifact) -> str:
    return artifact_path(artifact.pk)


def test_the_whole_file(front_client: FrontClient, artifact: Artifact, link: str):
    answer = front_client.request("GET", link)
    assert (answer.status, answer.body) == (200, DATA)
    left = links.seconds_left(parse_qs(urlsplit(link).query)["expires"][0])
    assert 24 * 3600 - 5 <= left <= 25 * 3600
    assert answer.headers == {
        "content-type": "image/png",
        "content-length": str(SIZE),
        "etag": f'"{artifact.sha256}"',
        "accept-ranges": "bytes",
        "cache-control": "private, max-age=82800, immutable",
        "content-disposition": f'inline; filename="{short(artifact.pk)}.png"',
        "content-security-policy": "default-src 'none'; sandbox",
        "x-content-type-options": "nosniff",
    }
    head = front_client.request("HEAD", link)
    assert (head.status, head.body, head.headers) == (200, b"", answer.headers)


@pytest.mark.parametrize(
    ("asked", "begin", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        ("bytes=100-", 100, SIZE),
        ("bytes=0-", 0, SIZE),
        ("bytes=2999-2999", 2_999, SIZE),
        ("bytes=2990-9999", 2_990, SIZE),
        ("bytes=-1", 2_999, SIZE),
        ("bytes=-100", 2_900, SIZE),
        ("bytes=-9999", 0, SIZE),
    ],
)
def test_a_range(front_client: FrontClient, link: str, asked: str, begin: int, end: int):
    answer = front_client.request("GET", link, headers={"Range": asked})
    assert (answer.status, answer.body) == (206, DATA[begin:end])
    assert answer.headers["content-range"] == f"bytes {begin}-{end - 1}/{SIZE}"
    assert answer.headers["content-length"] == str(end - begin)
    head = front_client.request("HEAD", link, headers={"Range": asked})
    assert (head.status, head.body, head.headers) == (206, b"", answer.headers)


@pytest.mark.parametrize("asked", ["bytes=3000-", "bytes=3000-4000", "bytes=-0", "bytes=5-2", "bytes=999999999999999-"])
def test_a_range_beyond_the_end_is_refused(front_client: FrontClient, link: str, asked: str):
    answer = front_client.request("GET", link, headers={"Range": asked})
    assert (answer.status, answer.body, answer.headers["content-range"]) == (416, b"", f"bytes */{SIZE}")


@pytest.mark.parametrize(
    "asked",
    ["bytes=-", "bytes=a-b", "lines=0-1", "bytes=0-1,5-6", "bytes 0-1", "", "bytes=" + "9" * 5_000 + "-", "\xff"],
)
def test_an_invalid_range_is_ignored(front_client: FrontClient, link: str, asked: str):
    answer = front_client.request("GET", link, headers={"Range": asked})
    assert (answer.status, answer.body) == (200, DATA)


def test_a_matching_etag_answers_304(front_client: FrontClient, artifact: Artifact, link: str):
    answer = front_client.request("GET", link, headers={"If-None-Match": f'"{artifact.sha256}"'})
    assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", f'"{artifact.sha256}"')
    for known in (f'W/"{artifact.sha256}"', f'"other", "{artifact.sha256}"', "*"):
        assert front_client.request("GET", link, headers={"If-None-Match": known}).status == 304
    for unknown in ('"other"', "", f'"{artifact.sha256[:-1]}"', artifact.sha256):
        assert front_client.request("GET", link, headers={"If-None-Match": unknown}).status == 200


def test_a_browser_keeps_a_file_no_longer_than_its_link_counts(front_client: FrontClient, artifact: Artifact, settings):  # type: ignore[no-untyped-def]
    settings.ARTIFACT_LINK_SECONDS = 60
    link = artifact_path(artifact.pk)
    before = links.seconds_left(parse_qs(urlsplit(link).query)["expires"][0])
    kept = front_client.request("GET", link).headers["cache-control"]
    found = re.fullmatch(r"private, max-age=(\d+), immutable", kept)
    assert found
    assert before - 5 <= int(found[1]) <= before


def test_an_artifact_needs_its_own_unexpired_link(  # type: ignore[no-untyped-def]
    front_client: FrontClient, buyer: Buyer, artifact: Artifact, link: str, settings
):
    path, query = link.split("?")
    other = artifact_path(new_id())
    for changed in (
        path,
        f"{path}?",
        link[:-1],
        link.replace("signature=", "signature=0"),
        link.replace("expires=1", "expires=9"),
        f"{path}?{other.split('?')[1]}",
        f"{path}?{query.split('&')[0]}",
        f"{path}?expires=abc&signature=%FF",
        f"{path}?{query.split('&')[1]}",
    ):
        for method in ("GET", "HEAD"):
            answer = front_client.request(method, changed, key=buyer.key)
            assert answer.status == 403, changed
            assert DATA[:16] not in answer.body
    assert b"has expired or is incomplete" in front_client.request("GET", path).body
    settings.ARTIFACT_LINK_SECONDS = -3600 - 1  # a link expires up to an hour later
    assert front_client.request("GET", artifact_path(artifact.pk)).status == 403


@pytest.mark.parametrize("id_", [short(uuid.UUID(int=1)), "x", "0" * 26, "a%00b"])
def test_unknown_artifacts_answer_404(front_client: FrontClient, id_: str):
    path = f"/artifacts/{id_.replace('%00', chr(0))}"
    query = links.sign(path, seconds=60).split("?")[1]
    answer = front_client.request("GET", f"/artifacts/{id_}?{query}")
    assert (answer.status, answer.json()["detail"]) == (404, "There is no such file any more")


def test_a_missing_blob_is_an_error_not_an_empty_file(
    front_client: FrontClient, artifact: Artifact, link: str, settings
):  # type: ignore[no-untyped-def]
    folder = settings.STORAGE_URL.removeprefix("file://")
    os.unlink(f"{folder}/sha256/{artifact.sha256[:2]}/{artifact.sha256}")
    try:
        answer = front_client.request("GET", link)
        assert (answer.status, answer.json()["detail"]) == (404, "There is no such file any more")
    finally:
        blob_store().put(DATA)
