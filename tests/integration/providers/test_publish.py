"""Publishing: atomic, idempotent, in order."""

import pickle
import threading
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.db import ProgrammingError, connection, connections, transaction

from marketplace.accounts.models import AuditEvent
from marketplace.core.models import OutboxEvent
from marketplace.core.problems import FieldError, Forbidden
from marketplace.core.storage import blob_store
from providers.models import Blob, GenerativeModel, ModelVersion, VersionFile
from providers.selectors import (
    checks_of,
    model_named,
    models_for_provider,
    version_by_id,
    versions_of,
    weight_files,
)
from providers.services import commit as committing
from providers.services.check_files import check_version
from providers.services.publish import publish_folder
from providers.validation.refusal import FolderRefused
from tests.support.checks import pass_checks
from tests.support.folders import CARD, INDEX, WEIGHTS, make_folder, weights
from tests.support.parties import Party, make_party

pytestmark = pytest.mark.usefixtures("database")

UNET = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture
def blobs(settings, tmp_path: Path):  # type: ignore[no-untyped-def]
    """The folder of a blob store of its own."""
    settings.STORAGE_URL = f"file://{tmp_path}/blobs"
    blob_store.cache_clear()
    yield tmp_path / "blobs"
    blob_store.cache_clear()


@pytest.fixture
def provider() -> Party:
    return make_party(can_buy=False, can_provide=True)


def publish(folder: Path, provider: Party, name: str = "icons") -> ModelVersion:
    return publish_folder(actor=provider.actor, folder=folder, name=name)


def rows() -> tuple[int, ...]:
    return tuple(
        kind.objects.count() for kind in (GenerativeModel, ModelVersion, VersionFile, Blob, AuditEvent, OutboxEvent)
    )


def stored(blobs: Path) -> list[str]:
    return sorted(path.name for path in blobs.rglob("*") if path.is_file())


def test_a_folder_becomes_the_first_version(provider: Party, blobs: Path, tmp_path: Path):
    folder = make_folder(tmp_path / "model")
    version = pass_checks(publish(folder, provider, "Icons"))
    model = GenerativeModel.objects.get(pk=version.model_id)
    assert (model.name, model.task, model.license, model.description) == (
        "icons",
        "text-to-image",
        "apache-2.0",
        "Icons on coloured grounds.",
    )
    assert model.card == "Icons on coloured grounds.\n\n## More"
    assert (version.number, version.parent, version.pipeline_class) == (1, None, "StableDiffusionPipeline")
    assert (version.published_by, version.withdrawn_at) == (provider.user, None)
    assert len(bytes.fromhex(version.pk)) == 20
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    assert version.size == sum(path.stat().st_size for path in files.values())
    listed = weight_files(version.pk)
    assert [(path, size) for path, _, size in listed] == [(path, files[path].stat().st_size) for path in sorted(files)]
    for path, sha256, _ in listed:
        with blob_store().open(sha256) as stream:
            assert stream.read() == files[path].read_bytes()
    assert stored(blobs) == sorted({sha256 for _, sha256, _ in listed})
    event = AuditEvent.objects.get(organization=provider.organization, action="version.committed")
    assert (event.subject, event.actor, event.data) == (version.pk, provider.user, {"model": "icons", "number": 1})
    news = OutboxEvent.objects.get(topic="version.committed", payload__version=version.pk)
    assert news.payload == {"version": version.pk}


def test_the_same_files_again_are_the_same_version(provider: Party, blobs: Path, tmp_path: Path):
    folder = make_folder(tmp_path / "model")
    version, before = publish(folder, provider), rows()
    (folder / "unet" / "config.json").touch()
    assert publish(folder, provider, "ICONS") == version
    assert publish(make_folder(tmp_path / "copy"), provider) == version
    assert rows() == before


def test_a_changed_file_is_the_next_version(provider: Party, blobs: Path, tmp_path: Path):
    folder = make_folder(tmp_path / "model")
    first = pass_checks(publish(folder, provider))
    files_before = set(stored(blobs))
    make_folder(folder, {UNET: weights(data=b"\1" * 16), "README.md": CARD.replace("Icons", "Better icons")})
    second = pass_checks(publish(folder, provider))
    assert (second.number, second.parent, second.model) == (2, first, first.model)
    assert second.pk != first.pk
    assert len(set(stored(blobs)) - files_before) == 2, "what did not change is stored once"
    assert second.description == "Better icons on coloured grounds."
    model = model_named(provider.organization.slug, "icons")
    assert model is not None
    assert model.description == "Icons on coloured grounds.", "until the second is on sale"
    assert list(versions_of(first.model)) == [second, first]
    third = publish(make_folder(folder, {UNET: weights(), "README.md": CARD}), provider)
    assert (third.number, third.parent) == (3, second)
    assert third.pk not in (first.pk, second.pk), "old files on top of newer ones are a version of their own"


def test_versions_of_two_models_differ_though_their_files_are_the_same(provider: Party, blobs: Path, tmp_path: Path):
    folder, other = make_folder(tmp_path / "model"), make_party(can_provide=True)
    ids = {publish(folder, provider).pk, publish(folder, provider, "more").pk, publish(folder, other).pk}
    assert len(ids) == 3
    assert [model.name for model in models_for_provider(provider.organization.pk)] == ["icons", "more"]
    assert [model.name for model in models_for_provider(other.organization.pk)] == ["icons"]


def test_a_pickle_is_refused_by_name_and_nothing_is_stored(provider: Party, blobs: Path, tmp_path: Path):
    folder, before = make_folder(tmp_path / "model", {UNET: None}), rows()
    (folder / "unet" / "diffusion_pytorch_model.bin").write_bytes(pickle.dumps({"weight": [0.0]}))
    with pytest.raises(FolderRefused) as refused:
        publish(folder, provider)
    assert refused.value.errors == (
        FieldError(
            "unet/diffusion_pytorch_model.bin",
            "can run code when it is loaded; publish weights as .safetensors and no code",
        ),
    )
    assert refused.value.status == 422
    assert refused.value.detail == (
        "Nothing was stored. unet/diffusion_pytorch_model.bin: can run code when it is loaded; publish weights as "
        ".safetensors and no code"
    )
    assert rows() == before
    assert not blobs.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"pipeline.py": "import os"},
        {"README.md": None},
        {"model_index.json": INDEX | {"_class_name": ["evil", "Pipeline"]}},
        {"unet/config.json": {"sample_size": 16, "x": [{"auto_map": {}}]}},
        {UNET: weights() + b"more"},
        {UNET: pickle.dumps({"weight": [0.0] * 100})},
        {"unet": "not a folder"},
        dict.fromkeys(WEIGHTS),
    ],
    ids=[
        "code",
        "no card",
        "class",
        "auto_map",
        "trailing bytes",
        "disguised pickle",
        "file for a folder",
        "no weights",
    ],
)
def test_a_refused_folder_leaves_nothing(provider: Party, blobs: Path, tmp_path: Path, changes: dict[str, object]):
    if "unet" in changes:
        folder = make_folder(tmp_path / "model", {UNET: None, "unet/config.json": None, **changes})
    else:
        folder = make_folder(tmp_path / "model", changes)
    before = rows()
    with pytest.raises(FolderRefused):
        publish(folder, provider)
    assert rows() == before
    assert not blobs.exists()


@pytest.mark.parametrize("name", ["", "a/b", "../x", "a\0b", "x" * 64, "weights.git", "ä"])
def test_an_invalid_name_stores_nothing(provider: Party, blobs: Path, tmp_path: Path, name: str):
    before = rows()
    with pytest.raises(FolderRefused) as refused:
        publish(make_folder(tmp_path / "model"), provider, name)
    assert [error.field for error in refused.value.errors] == ["name"]
    assert rows() == before
    assert not blobs.exists()


def test_publishing_needs_a_provider_organisation(blobs: Path, tmp_path: Path):
    buyer = make_party()
    before = rows()
    with pytest.raises(Forbidden, match=f'"{buyer.organization.slug}" does not provide models'):
        publish(make_folder(tmp_path / "model"), buyer)
    assert rows() == before
    assert not blobs.exists()


def test_a_name_stays_with_its_task(provider: Party, blobs: Path, tmp_path: Path):
    folder = make_folder(tmp_path / "model")
    model = pass_checks(publish(folder, provider)).model
    GenerativeModel.objects.filter(pk=model.pk).update(task="text-to-speech")
    make_folder(folder, {"README.md": CARD.replace("Icons", "Other icons")})
    version = publish(folder, provider)
    check_version(version_id=version.pk)
    [failed, *skipped] = checks_of(version)
    reason = "this model is for text-to-speech; publish text-to-image under another name"
    assert (failed.state, failed.errors) == ("failed", [{"field": "model_index.json", "detail": reason}])
    assert [check.state for check in skipped] == ["skipped"] * 4
    version.refresh_from_db()
    assert version.state == "refused"
    assert GenerativeModel.objects.get(pk=model.pk).description == "Icons on coloured grounds."


def test_a_crash_after_the_files_are_stored_leaves_no_version(
    provider: Party, blobs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = make_folder(tmp_path / "model")

    class PowerCut(BaseException):
        pass

    def cut(*args: object, **kwargs: object) -> None:
        raise PowerCut

    for step in ("_check", "_add_version", "emit"):
        with monkeypatch.context() as broken:
            broken.setattr(committing, step, cut)
            with pytest.raises(PowerCut):
                publish(folder, provider)
        assert ModelVersion.objects.filter(model__organization=provider.organization).count() == 0, step
        assert model_named(provider.organization.slug, "icons") is not None
    left = stored(blobs)
    assert left, "blobs without a version may stay; the next try uses them"
    version = publish(folder, provider)
    assert version.number == 1
    assert stored(blobs) == left


def at_once(*calls: tuple[Path, Party, str]) -> list[object]:
    """The results or errors of concurrent calls of `publish`."""
    barrier, outcomes = threading.Barrier(len(calls)), []

    def run(call: tuple[Path, Party, str]) -> None:
        barrier.wait()
        try:
            outcomes.append(publish(*call).pk)
        except Exception as error:  # checked by the test
            outcomes.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return outcomes


def test_concurrent_publishing_of_the_same_files_gives_one_version(provider: Party, blobs: Path, tmp_path: Path):
    folder = make_folder(tmp_path / "model")
    for name in ("one", "two", "three"):
        outcomes = at_once(*((folder, provider, spelling) for spelling in (name, name, name.upper(), name)))
        model = model_named(provider.organization.slug, name)
        assert model is not None
        assert outcomes == [model.versions.get().pk] * 4
    assert AuditEvent.objects.filter(organization=provider.organization, action="version.committed").count() == 3


def test_concurrent_publishing_of_different_files_gives_one_line_of_versions(
    provider: Party, blobs: Path, tmp_path: Path
):
    folders = [make_folder(tmp_path / str(n), {UNET: weights(data=bytes([n]) * 16)}) for n in range(4)]
    outcomes = at_once(*((folder, provider, "icons") for folder in folders))
    versions = list(ModelVersion.objects.filter(model__organization=provider.organization).order_by("number"))
    assert [version.number for version in versions] == [1, 2, 3, 4]
    assert [version.parent_id for version in versions] == [None, *(version.pk for version in versions[:3])]
    assert sorted(map(str, outcomes)) == sorted(version.pk for version in versions)


def test_what_was_published_cannot_be_changed_by_the_serving_role(provider: Party, blobs: Path, tmp_path: Path):
    version = publish(make_folder(tmp_path / "model"), provider)
    for statement in (
        "UPDATE providers_blob SET size = 0",
        "DELETE FROM providers_blob",
        "UPDATE providers_versionfile SET path = 'x'",
        "DELETE FROM providers_versionfile",
    ):
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    assert version_by_id(version.pk) == version
    assert configured.SERVING_ROLE == "bourse"


@pytest.mark.parametrize("text", ["", "x", "0" * 40, "a\0b", "%", "x" * 10_000])
def test_an_unknown_model_is_none(text: str):
    assert model_named(text, text) is None


def test_an_unknown_version_is_none():
    assert version_by_id("0" * 40) is None
