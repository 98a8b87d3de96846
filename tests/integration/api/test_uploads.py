"""Files of a draft through the front: by signed link, complete or not at all."""

from pathlib import Path
from urllib.parse import quote

import pytest

from marketplace.api.front.uploading import WRITE_BYTES
from marketplace.core.storage import blob_store
from providers.models import DraftFile, UploadDraft
from providers.services.drafts import Announced, open_draft, upload_path
from tests.support.front_client import Answer, FrontClient
from tests.support.parties import make_party

CONTENT = bytes(range(256)) * (3 * WRITE_BYTES // 256) + b"end"
WEIGHTS = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture
def blobs(settings, tmp_path: Path):  # type: ignore[no-untyped-def]
    settings.STORAGE_URL = f"file://{tmp_path}/blobs"
    blob_store.cache_clear()
    yield tmp_path / "blobs"
    blob_store.cache_clear()


@pytest.fixture
def draft(database: None) -> UploadDraft:
    provider = make_party(can_buy=False, can_provide=True)
    files = [Announced(WEIGHTS, len(CONTENT), 1), Announced("README.md", 4, 1)]
    return open_draft(actor=provider.actor, name="icons", files=files)


def put(front_client: FrontClient, draft: UploadDraft, path: str, *pieces: bytes, link: str | None = None) -> Answer:
    address = f"{link or upload_path(draft)}&path={quote(path)}"
    return front_client.request("PUT", address, pieces=pieces)


def stored(blobs: Path) -> list[Path]:
    return [file for file in blobs.rglob("*") if file.is_file()]


def test_a_chunked_upload_is_stored(front_client: FrontClient, draft: UploadDraft, blobs: Path):
    answer = put(front_client, draft, WEIGHTS, CONTENT[:100_000], CONTENT[100_000:])
    assert answer.status == 200
    with blob_store().open(answer.json()["sha256"]) as stream:
        assert stream.read() == CONTENT
    assert DraftFile.objects.get(draft=draft, path=WEIGHTS).blob_id == answer.json()["sha256"]
    assert put(front_client, draft, WEIGHTS, CONTENT).json() == answer.json(), "the same again changes nothing"


@pytest.mark.parametrize(
    ("path", "content", "status", "said"),
    [
        ("README.md", b"car", 422, "3 bytes came, where 4 were announced"),
        ("README.md", b"cards", 413, "at most 4 bytes"),
        ("LICENSE", b"mit", 404, "announces no such file"),
        ("../README.md", b"card", 404, "announces no such file"),
        ("a\0b", b"card", 400, "must not contain NUL characters"),
    ],
)
def test_unannounced_content_is_not_stored(
    front_client: FrontClient, draft: UploadDraft, blobs: Path, path: str, content: bytes, status: int, said: str
):
    answer = put(front_client, draft, path, content)
    assert answer.status == status
    assert said in answer.body.decode()
    assert not DraftFile.objects.filter(draft=draft).exclude(blob=None).exists()


def test_an_upload_needs_the_signed_link(front_client: FrontClient, draft: UploadDraft, blobs: Path):
    path = upload_path(draft).split("?")[0]
    for link in (f"{path}?", f"{path}?expires=1&signature=x", upload_path(draft).replace("signature=", "signature=0")):
        assert put(front_client, draft, "README.md", b"card", link=link).status == 403
    assert stored(blobs) == []


def test_a_committed_draft_takes_no_files(front_client: FrontClient, draft: UploadDraft, blobs: Path):
    link = upload_path(draft)
    draft.delete()
    assert put(front_client, draft, "README.md", b"card", link=link).status == 404
    assert stored(blobs) == []
