"""Uploading a folder from a browser: the server's side."""

import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from marketplace.core.problems import Conflict, FieldError, Forbidden, Invalid, NotFound
from marketplace.core.storage import StoredBlob, blob_store
from providers.models import DraftFile, GenerativeModel, ModelVersion, UploadDraft
from providers.selectors import files_of, owned_blobs
from providers.services import drafts
from providers.services.drafts import Announced, commit_draft, discard_draft, expire_drafts, keep_file, open_draft
from providers.validation.refusal import FolderRefused
from tests.support.parties import Party, make_party

pytestmark = pytest.mark.usefixtures("database")

FILES = {"README.md": b"card", "unet/config.json": b"{}"}


@pytest.fixture
def provider() -> Party:
    return make_party(can_buy=False, can_provide=True)


def announce(provider: Party, files: dict[str, bytes], *, modified: int = 1, name: str = "icons") -> UploadDraft:
    announced = [Announced(path, len(content), modified) for path, content in files.items()]
    return open_draft(actor=provider.actor, name=name, files=announced)


def send(draft: UploadDraft, path: str, content: bytes) -> StoredBlob:
    blob = blob_store().put(content)
    keep_file(draft_id=draft.pk, path=path, blob=blob)
    return blob


def finish(provider: Party, draft: UploadDraft) -> ModelVersion:
    return commit_draft(actor=provider.actor, draft_id=draft.pk, message="")


def missing(draft: UploadDraft) -> list[str]:
    return list(DraftFile.objects.filter(draft=draft, blob=None).values_list("path", flat=True))


def test_a_draft_becomes_a_version_once_all_files_are_uploaded(provider: Party):
    draft = announce(provider, FILES | {".gitattributes": b"x"})
    assert missing(draft) == ["README.md", "unet/config.json"]
    blob = send(draft, "README.md", b"card")
    assert owned_blobs(provider.organization.pk, [blob.sha256]) == {blob.sha256: 4}
    with pytest.raises(Invalid) as refused:
        finish(provider, draft)
    assert refused.value.errors == (FieldError("unet/config.json", "has not been uploaded yet"),)
    assert not GenerativeModel.objects.filter(organization=provider.organization).exists(), "nothing half-done"
    send(draft, "unet/config.json", b"{}")
    version = finish(provider, draft)
    assert (version.number, version.state, version.published_by) == (1, "checking", provider.user)
    assert [path for path, _, _ in files_of(version)] == ["README.md", "unet/config.json"]
    with pytest.raises(NotFound):
        finish(provider, draft)
    with pytest.raises(NotFound):
        send(draft, "README.md", b"card")


def test_the_next_version_replaces_the_whole_folder(provider: Party):
    for content in (FILES, {"README.md": b"other"}):
        draft = announce(provider, content)
        for path, data in content.items():
            send(draft, path, data)
        version = finish(provider, draft)
    assert (version.number, [path for path, _, _ in files_of(version)]) == (2, ["README.md"])


def test_what_was_sent_before_is_not_sent_again(provider: Party):
    first = announce(provider, FILES)
    send(first, "README.md", b"card")
    again = announce(provider, FILES | {"LICENSE": b"mit"})
    assert again == first
    assert missing(again) == ["LICENSE", "unet/config.json"]
    touched = announce(provider, FILES, modified=2)
    assert missing(touched) == ["README.md", "unet/config.json"], "a changed file of the same size is another file"
    assert announce(provider, FILES, name="others") != first


def test_a_folder_that_breaks_a_rule_is_refused_before_anything_is_sent(provider: Party, settings):  # type: ignore[no-untyped-def]
    with pytest.raises(FolderRefused) as refused:
        announce(provider, FILES | {"unet/weights.bin": b"x", "notes.txt": b"x"})
    assert [error.field for error in refused.value.errors] == ["notes.txt", "unet/weights.bin"]
    settings.MAX_VERSION_BYTES = 5
    with pytest.raises(FolderRefused, match="A version may have 5 bytes; this folder has 6"):
        announce(provider, FILES)
    with pytest.raises(FolderRefused, match="The folder is empty"):
        announce(provider, {".git/config": b"x"})
    with pytest.raises(FolderRefused, match="name: "):
        announce(provider, FILES, name="a/b")
    buyer = make_party()
    with pytest.raises(Forbidden):
        announce(buyer, FILES)
    assert not UploadDraft.objects.filter(organization__in=[provider.organization, buyer.organization]).exists()


def test_a_draft_is_visible_to_its_organisation_only(provider: Party):
    draft, other = announce(provider, FILES), make_party(can_provide=True)
    for path, data in FILES.items():
        send(draft, path, data)
    with pytest.raises(NotFound):
        finish(other, draft)
    with pytest.raises(NotFound):
        discard_draft(actor=other.actor, draft_id=draft.pk)
    with pytest.raises(NotFound):
        discard_draft(actor=provider.actor, draft_id=None)
    discard_draft(actor=provider.actor, draft_id=draft.pk)
    assert not DraftFile.objects.filter(draft=draft.pk).exists()


def test_a_file_of_another_size_is_not_taken(provider: Party):
    draft = announce(provider, FILES)
    with pytest.raises(NotFound):
        send(draft, "README.md", b"longer card")
    with pytest.raises(NotFound):
        send(draft, "other.json", b"card")
    assert len(missing(draft)) == 2


def test_abandoned_drafts_expire(provider: Party):
    draft, kept = announce(provider, FILES), announce(provider, FILES, name="kept")
    send(draft, "README.md", b"card")
    UploadDraft.objects.filter(pk=draft.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(NotFound):
        finish(provider, draft)
    assert expire_drafts() >= 1
    assert list(UploadDraft.objects.filter(organization=provider.organization)) == [kept]


def test_the_number_of_drafts_is_limited(provider: Party, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(drafts, "MAX_DRAFTS", 2)
    for name in ("one", "two"):
        announce(provider, FILES, name=name)
    with pytest.raises(Conflict, match="2 uploads of .* are open"):
        announce(provider, FILES, name="three")
    announce(provider, FILES, name="two")


def test_concurrent_commits_of_a_draft_make_one_version(provider: Party):
    draft = announce(provider, FILES)
    for path, data in FILES.items():
        send(draft, path, data)
    barrier, outcomes = threading.Barrier(3), []

    def run() -> None:
        barrier.wait()
        try:
            outcomes.append(finish(provider, draft).number)
        except NotFound as gone:
            outcomes.append(gone.status)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(outcomes) == [1, 404, 404]
    assert ModelVersion.objects.filter(model__organization=provider.organization).count() == 1
