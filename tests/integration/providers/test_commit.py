"""Repositories and commits: one line of versions, of files that the organisation uploaded."""

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from django.db import connection, connections, transaction

from marketplace.accounts.models import AuditEvent
from marketplace.accounts.selectors import platform_for
from marketplace.catalog.services.publish import on_version_passed
from marketplace.core.models import OutboxEvent
from marketplace.core.problems import FieldError, Forbidden, Invalid
from marketplace.core.storage import StoredBlob, blob_store
from providers.domain import STEPS, CheckState, Step
from providers.models import GenerativeModel, ModelVersion, VersionCheck
from providers.selectors import checks_of, files_of, head_of, owned_blobs, versions_of
from providers.services.check_files import check_version, overdue
from providers.services.checks import record_check
from providers.services.commit import Changes, StaleParent, commit, own_blob
from providers.services.repositories import RepositoryExists, RepositoryInUse, create_repository, delete_repository
from providers.validation.refusal import FolderRefused
from tests.support.checks import pass_checks
from tests.support.concurrency import with_own_connection
from tests.support.folders import WEIGHTS, make_folder, weights
from tests.support.parties import Party, make_listing, make_party
from tests.support.services import wait_until

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def provider() -> Party:
    return make_party(can_buy=False, can_provide=True)


@pytest.fixture
def model(provider: Party) -> GenerativeModel:
    return create_repository(actor=provider.actor, name="icons")


def bring(provider: Party, content: bytes) -> StoredBlob:
    blob = blob_store().put(content)
    own_blob(organization_id=provider.organization.pk, blob=blob)
    return blob


def bring_folder(provider: Party, folder: Path) -> dict[str, StoredBlob]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): bring(provider, path.read_bytes()) for path in files}


def push(model: GenerativeModel, parent: str | None = None, **changes: object) -> ModelVersion:
    actor = platform_for(model.organization)
    return commit(actor=actor, model=model, changes=Changes(**changes), parent=parent, message="m")  # type: ignore[arg-type]


def paths(version: ModelVersion) -> list[str]:
    return [path for path, _, _ in files_of(version)]


def test_an_empty_repository_exists(provider: Party, model: GenerativeModel):
    assert (model.name, model.task, model.card, head_of(model)) == ("icons", "", "", None)
    with pytest.raises(RepositoryExists) as exists:
        create_repository(actor=provider.actor, name="ICONS")
    assert exists.value.model == model
    assert exists.value.status == 409
    actions = AuditEvent.objects.filter(organization=provider.organization).values_list("action", flat=True)
    assert sorted(actions) == ["model.created", "organization.created"]


def test_creating_a_repository_needs_permission():
    buyer = make_party()
    with pytest.raises(Forbidden):
        create_repository(actor=buyer.actor, name="icons")
    provider = make_party(can_provide=True)
    for name in ("", "a/b", "x.git", "a\0b"):
        with pytest.raises(Invalid) as refused:
            create_repository(actor=provider.actor, name=name)
        assert [error.field for error in refused.value.errors] == ["name"]
    assert GenerativeModel.objects.filter(organization__in=[buyer.organization, provider.organization]).count() == 0


def test_commits_add_change_and_delete_on_top_of_the_head(provider: Party, model: GenerativeModel):
    one, two = bring(provider, b"{}"), bring(provider, b"[]")
    first = push(model, written={"model_index.json": one, "unet/config.json": one, "vae/config.json": one})
    assert (first.number, first.state, first.message, first.parent) == (1, "checking", "m", None)
    assert paths(first) == ["model_index.json", "unet/config.json", "vae/config.json"]
    second = push(
        model,
        first.pk,
        written={"vae/config.json": two, "README.md": one, ".gitattributes": one},
        deleted=frozenset({"model_index.json", "nothing.json"}),
        deleted_folders=frozenset({"unet", "vae"}),
    )
    assert (second.number, second.parent_id, second.size) == (2, first.pk, 4)
    assert [(path, sha) for path, sha, _ in files_of(second)] == [
        ("README.md", one.sha256),
        ("vae/config.json", two.sha256),
    ]
    assert push(model, second.pk, written={"README.md": one, ".gitignore": two}) == second, "nothing changed"
    with pytest.raises(StaleParent) as stale:
        push(model, first.pk, written={"README.md": two})
    assert (stale.value.head, stale.value.status) == (second.pk, 409)
    assert head_of(model) == second
    assert (
        OutboxEvent.objects.filter(topic="version.committed", payload__version__in=[first.pk, second.pk]).count() == 2
    )


def test_the_first_commit_needs_files_and_no_parent(provider: Party, model: GenerativeModel):
    with pytest.raises(Invalid, match="nothing to commit"):
        push(model)
    with pytest.raises(StaleParent, match="The newest version is none"):
        push(model, "0" * 40, written={"README.md": bring(provider, b"x")})
    assert head_of(model) is None


def test_a_path_that_may_not_be_published_is_refused_by_name(provider: Party, model: GenerativeModel):
    blob = bring(provider, b"x")
    with pytest.raises(FolderRefused) as refused:
        push(model, written={"README.md": blob, "unet/weights.bin": blob, "../config.json": blob})
    assert [error.field for error in refused.value.errors] == ["../config.json", "unet/weights.bin"]
    assert head_of(model) is None


def test_weights_of_others_cannot_be_published_by_digest(provider: Party, model: GenerativeModel):
    other = make_party(can_provide=True)
    theirs, own = bring(other, b"secret weights"), bring(provider, b"own")
    assert owned_blobs(provider.organization.pk, [theirs.sha256, own.sha256]) == {own.sha256: 3}
    with pytest.raises(Invalid) as refused:
        push(model, written={"unet/a.safetensors": theirs, "README.md": own})
    assert refused.value.errors == (
        FieldError("unet/a.safetensors", "was not uploaded to this organisation; upload it first"),
    )
    with pytest.raises(Invalid):  # nor with a wrong size
        push(model, written={"README.md": StoredBlob(own.sha256, 4)})
    assert head_of(model) is None
    own_blob(organization_id=provider.organization.pk, blob=theirs)
    assert push(model, written={"unet/a.safetensors": theirs}).number == 1


def test_concurrent_commits_are_serialised_and_stale_ones_refused(provider: Party, model: GenerativeModel):
    head = push(model, written={"README.md": bring(provider, b"0")})
    barrier, outcomes = threading.Barrier(4), []

    def run(content: bytes) -> None:
        blob = bring(provider, content)
        barrier.wait()
        try:
            outcomes.append(push(model, head.pk, written={"README.md": blob}).number)
        except StaleParent as stale:
            outcomes.append(stale.head)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(str(n).encode(),)) for n in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    newest = head_of(model)
    assert newest is not None
    assert sorted(outcomes, key=str) == sorted([2, *[newest.pk] * 3], key=str)
    assert model.versions.count() == 2


def test_concurrent_reports_of_a_step_count_once(provider: Party, model: GenerativeModel, tmp_path: Path):
    version = push(model, written=bring_folder(provider, make_folder(tmp_path)))
    check_version(version_id=version.pk)
    for step in (Step.LOAD, Step.GOLDEN, Step.PROFILE):
        assert record_check(version=version.pk, step=step, state=CheckState.PASSED)
    barrier, outcomes = threading.Barrier(4), []

    def run(state: CheckState) -> None:
        barrier.wait()
        try:
            outcomes.append((state, record_check(version=version.pk, step=Step.EXAMPLES, state=state)))
        finally:
            connections.close_all()

    threads = [
        threading.Thread(target=run, args=(state,))
        for state in [CheckState.PASSED, CheckState.FAILED]
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    [winner] = [state for state, counted in outcomes if counted]
    version.refresh_from_db()
    ending = {CheckState.PASSED: "passed", CheckState.FAILED: "refused"}[winner]
    assert version.state == ending
    topics = OutboxEvent.objects.filter(payload__version=version.pk).values_list("topic", flat=True)
    assert sorted(topics) == sorted(["version.committed", "version.checked", f"version.{ending}"])


def test_checking_the_files_twice_changes_nothing(provider: Party, model: GenerativeModel, tmp_path: Path):
    version = push(model, written=bring_folder(provider, make_folder(tmp_path)))
    assert [check.state for check in checks_of(version)] == ["waiting"] * 5
    check_version(version_id=version.pk)
    before = list(VersionCheck.objects.filter(version=version).values())
    check_version(version_id=version.pk)
    assert list(VersionCheck.objects.filter(version=version).values()) == before
    [files, *others] = checks_of(version)
    assert (files.state, files.detail["files"], files.detail["parameters"]) == ("passed", 10, 12)
    assert files.detail["task"] == "text-to-image"
    assert [check.state for check in others] == ["waiting"] * 4
    assert OutboxEvent.objects.filter(topic="version.checked", payload__version=version.pk).count() == 1
    version.refresh_from_db()
    model.refresh_from_db()
    assert (model.task, model.license, model.description) == (
        "text-to-image",
        "apache-2.0",
        "Icons on coloured grounds.",
    )
    assert [trial["seed"] for trial in version.trials] == [1, 2, 3, 4]
    assert {trial["num_inference_steps"] for trial in version.trials} == {12}, "as the card recommends"
    assert list(versions_of(model)) == [], "what has not passed may not be called"


@pytest.mark.parametrize(
    ("path", "content", "said"),
    [
        (WEIGHTS[1], weights()[:-4], "tensors do not fill the file"),
        (WEIGHTS[1], b"\x80\x04pickled", "is no safetensors file"),
        ("model_index.json", b'{"_class_name": "OsPipeline"}', "it must be one of"),
        ("README.md", b"No licence.", "name the licence"),
        ("unet/config.json", b'{"auto_map": {}}', "asks for code to be run"),
    ],
)
def test_a_version_whose_files_are_wrong_is_refused_by_file(
    provider: Party, model: GenerativeModel, tmp_path: Path, path: str, content: bytes, said: str
):
    files = bring_folder(provider, make_folder(tmp_path)) | {path: bring(provider, content)}
    version = push(model, written=files)
    check_version(version_id=version.pk)
    [failed, *skipped] = checks_of(version)
    assert (failed.state, [error["field"] for error in failed.errors]) == ("failed", [path])
    assert said in failed.errors[0]["detail"]
    assert [check.state for check in skipped] == ["skipped"] * 4
    version.refresh_from_db()
    model.refresh_from_db()
    assert (version.state, model.task) == ("refused", "")
    assert OutboxEvent.objects.filter(topic="version.refused", payload__version=version.pk).count() == 1
    corrected = push(model, written=bring_folder(provider, make_folder(tmp_path)))
    assert (corrected.number, corrected.parent) == (2, version)
    assert pass_checks(corrected).state == "passed"


def test_the_sweep_finds_unchecked_files(provider: Party, model: GenerativeModel, tmp_path: Path):
    version = push(model, written=bring_folder(provider, make_folder(tmp_path)))
    assert version.pk not in overdue()
    ModelVersion.objects.filter(pk=version.pk).update(created_at="2020-01-01T00:00Z")
    assert version.pk in overdue()
    record_check(version=version.pk, step=Step.FILES, state=CheckState.RUNNING)
    assert version.pk not in overdue(), "somebody has just begun"
    VersionCheck.objects.filter(version=version, step=Step.FILES).update(started_at="2020-01-01T00:00Z")
    assert version.pk in overdue(), "the process that began is lost"
    check_version(version_id=version.pk)
    assert version.pk not in overdue()


def test_an_unused_repository_can_be_deleted(provider: Party, model: GenerativeModel, tmp_path: Path):
    push(model, written=bring_folder(provider, make_folder(tmp_path)))
    pass_checks(push(model, written={"README.md": bring(provider, b"---\nlicense: mit\n---\nOther.")}))
    delete_repository(actor=provider.actor, model=model)
    assert not GenerativeModel.objects.filter(pk=model.pk).exists()
    assert not ModelVersion.objects.filter(model=model.pk).exists()
    again = create_repository(actor=provider.actor, name="icons")
    assert head_of(again) is None


def test_a_listed_model_cannot_be_deleted(provider: Party):
    listing = make_listing(provider=provider)
    with pytest.raises(RepositoryInUse, match="was on sale or was called, so it stays"):
        delete_repository(actor=provider.actor, model=listing.model)
    assert len(files_of(listing.version)) > 5
    on_version_passed([{"version": listing.version_id}])  # an old event changes nothing
    assert len(checks_of(listing.version)) == len(STEPS)


def test_a_deletion_waits_for_the_report_of_a_check(provider: Party, model: GenerativeModel):
    """The deletion once locked the checks first and the version last, and one of the two was ended as a deadlock."""
    version = push(model, written={"README.md": bring(provider, b"# Icons")})
    with ThreadPoolExecutor(2) as threads:
        with transaction.atomic():
            ModelVersion.objects.select_for_update(no_key=True).get(pk=version.pk)  # as a report begins
            delete = partial(delete_repository, actor=provider.actor, model=model)
            deletion = threads.submit(with_own_connection, delete)
            waits = partial(threads.submit, with_own_connection, partial(is_waiting, "providers_delete_model"))
            wait_until(lambda: deletion.done() or waits().result(), "the deletion", seconds=10)
            assert record_check(version=version.pk, step=Step.FILES, state=CheckState.RUNNING)
        deletion.result(timeout=10)
    assert not GenerativeModel.objects.filter(pk=model.pk).exists()


def is_waiting(function: str) -> bool:
    """Whether a connection waits for a lock in a call of this SQL function."""
    with connection.cursor() as cursor:  # not the test's own, whose transaction sees the activity of one moment
        waiting = "wait_event_type = 'Lock' AND datname = current_database()"
        cursor.execute(f"SELECT count(*) FROM pg_stat_activity WHERE {waiting} AND query LIKE %s", [f"%{function}%"])
        return cursor.fetchone() == (1,)
