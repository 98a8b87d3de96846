"""Inspections of versions by a node, and what happens when it dies."""

import shutil
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.db import connections, transaction

from inference.domain.lifecycle import InspectionState
from inference.models import Example, Inspection, Node, Residency
from inference.runtime.device import Device, open_device
from inference.selectors import examples_of
from inference.services import inspections
from inference.services.inspections import ClaimLost, claim, on_version_checked, report, take_back
from inference.worker.inspector import Inspector
from inference.worker.placement import Placement
from inference.worker.work import WorkInHand
from marketplace.core.ids import new_id
from marketplace.core.storage import blob_store
from providers.domain import CheckState, Step
from providers.models import ModelVersion
from providers.selectors import checks_of
from providers.services.check_files import check_version
from providers.services.publish import publish_folder
from tests.support.folders import CARD, make_folder
from tests.support.parties import HERO, make_party
from tests.support.single_models import SAVERS

SCHEDULER_WARNING = "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"  # diffusers

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.filterwarnings(SCHEDULER_WARNING)]

WORKHORSE = HERO.parent / "workhorse"


@cache
def device() -> Device:
    return open_device(threads=1)


@pytest.fixture(autouse=True)
def no_others(database: None) -> Iterator[None]:
    """Inspections that other tests left would be claimed first."""
    Inspection.objects.all().delete()
    yield
    Inspection.objects.all().delete()


def checked(folder: Path, name: str = "icons") -> ModelVersion:
    """A version whose files passed and that waits for a node."""
    provider = make_party(can_buy=False, can_provide=True)
    version = publish_folder(actor=provider.actor, folder=folder, name=name)
    check_version(version_id=version.pk)
    on_version_checked([{"version": version.pk}])
    return version


class TestNode:
    """A node's inspector without the rest of a node."""

    __test__ = False

    def __init__(self, settings, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
        settings.HOME = type(settings.HOME)(tmp_path / "home")
        self.name = f"test-{new_id()}"
        Node.objects.create(id=self.name, boot=new_id(), device_kind="cpu", device_name="x", memory_bytes=1)
        self.work = WorkInHand()
        self.placement = Placement(node=self.name, device=device(), listen=lambda _: None, unlisten=lambda _: None)
        self.inspector = self.make_inspector()

    def make_inspector(self) -> Inspector:
        return Inspector(node=self.name, device=device(), placement=self.placement, work=self.work, store=blob_store())

    def turns(self, count: int = 100) -> None:
        self.inspector.look()
        for _ in range(count):
            if not self.inspector.has_work():
                return
            self.inspector.turn()


@pytest.fixture
def node(settings, tmp_path: Path) -> TestNode:  # type: ignore[no-untyped-def]
    return TestNode(settings, tmp_path)


def states(version: ModelVersion) -> list[str]:
    return [check.state for check in checks_of(version)]


def test_a_node_runs_all_steps_of_an_inspection(node: TestNode):
    version = checked(WORKHORSE)
    node.turns()
    version.refresh_from_db()
    assert (states(version), version.state) == (["passed"] * 5, "passed")
    _, load, golden, profile, examples = checks_of(version)
    assert load.detail["bytes"] > 1_000_000
    assert load.detail["device"] == device().name
    assert load.detail["seconds"] > 0
    assert golden.detail["reproducible"] is True
    assert golden.detail["digests"] == golden.detail["again"] != []
    assert [batch["size"] for batch in profile.detail["batches"]] == [1, 2, 4, 8]
    for batch in profile.detail["batches"]:
        assert batch["seconds_per_unit"] == pytest.approx(batch["seconds"] / batch["size"])
    assert profile.detail["flops"] > 1_000_000_000
    assert profile.detail["peak_bytes"] >= load.detail["bytes"]
    assert examples.detail == {"made": 4, "of": 4}
    shown = examples_of(version.pk)
    assert [example.position for example in shown] == [0, 1, 2, 3]
    assert [example.input for example in shown] == version.trials
    assert shown[0].sha256 == golden.detail["digests"][0], "the same seed gives the same picture"
    assert {(example.width, example.height, example.media_type) for example in shown} == {(128, 128, "image/png")}
    for example in shown:
        with blob_store().open(example.sha256) as stream:
            assert len(stream.read()) == example.size
    assert Inspection.objects.get(version=version).state == InspectionState.DONE
    assert Residency.objects.get(node=node.name, version=version).bytes == load.detail["bytes"]
    assert node.work.inspection is None
    on_version_checked([{"version": version.pk}])  # the same event again
    before = Example.objects.count()
    node.turns()
    assert Example.objects.count() == before


def test_an_event_of_a_deleted_version_is_ignored():
    with transaction.atomic():
        on_version_checked([{"version": "0" * 40}])
    assert not Inspection.objects.filter(version_id="0" * 40).exists()


@pytest.mark.slow
@pytest.mark.parametrize("task", ["image-to-image", "matting", "super-resolution", "scoring"])
def test_models_that_take_a_picture_are_tried_with_samples(node: TestNode, tmp_path: Path, task: str):
    folder = SAVERS[task](tmp_path / "model")
    (folder / "README.md").write_text(CARD)
    version = checked(folder)
    node.turns()
    version.refresh_from_db()
    assert (states(version), version.state) == (["passed"] * 5, "passed"), [
        check.errors for check in checks_of(version)
    ]
    golden, profile = checks_of(version)[2:4]
    assert golden.detail["reproducible"] is True
    assert [batch["size"] for batch in profile.detail["batches"]] == [1, 2, 4, 8]
    media = "application/json" if task == "scoring" else "image/png"
    shown = examples_of(version.pk)
    assert [example.media_type for example in shown] == [media] * 4
    assert shown[0].sha256 == golden.detail["digests"][0]


def test_an_inconsistent_version_is_refused_with_the_file(node: TestNode, tmp_path: Path):
    folder = tmp_path / "broken"
    shutil.copytree(WORKHORSE, folder)
    shutil.copyfile(
        WORKHORSE / "vae/diffusion_pytorch_model.safetensors", folder / "unet/diffusion_pytorch_model.safetensors"
    )
    version = checked(folder)
    node.turns()
    version.refresh_from_db()
    assert (states(version), version.state) == (["passed", "failed", "skipped", "skipped", "skipped"], "refused")
    [error] = checks_of(version)[1].errors
    assert error["detail"].startswith("cannot be loaded: ")
    assert error["detail"].endswith("correct it and publish it again.")
    assert str(tmp_path) not in error["detail"], "paths of the node are nobody's business"
    assert not Residency.objects.filter(version=version).exists()
    assert Inspection.objects.get(version=version).state == InspectionState.DONE


def test_unusable_weights_fail_the_golden_run(node: TestNode, tmp_path: Path):
    version = checked(make_folder(tmp_path / "tiny"))
    node.turns()
    assert states(version)[1:3] == ["failed", "skipped"]


def test_another_node_continues_the_inspection_of_a_dead_node(node: TestNode):
    version = checked(WORKHORSE)
    node.turns(6)
    assert states(version)[:2] == ["passed", "passed"]
    assert "passed" not in states(version)[3:]
    golden = checks_of(version)[2]
    dead = node.work.inspection
    assert dead is not None
    node.work.inspection = None  # the lease is not renewed
    node.inspector = node.make_inspector()
    node.turns(2)
    assert node.work.inspection is None, "while the lease lasts, it is nobody else's"
    Inspection.objects.filter(version=version).update(lease_until="2020-01-01T00:00Z")
    assert take_back() == 1
    node.turns()
    assert states(version) == ["passed"] * 5
    inspection = Inspection.objects.get(version=version)
    assert (inspection.attempt, inspection.losses, inspection.state) == (2, 1, InspectionState.DONE)
    again = checks_of(version)[2]
    if golden.state == CheckState.PASSED:
        assert again.ended_at == golden.ended_at, "what had passed is not done again"
    with pytest.raises(ClaimLost):
        report(dead, step=Step.EXAMPLES, state=CheckState.FAILED)
    assert states(version) == ["passed"] * 5


def test_a_version_that_repeatedly_kills_nodes_is_refused(node: TestNode):
    version = checked(WORKHORSE)
    for losses in (1, 2, 3):
        held = claim(node=node.name)
        assert held is not None
        report(held, step=Step.LOAD, state=CheckState.RUNNING)
        assert take_back(node=node.name) == (losses < 3)
    version.refresh_from_db()
    assert (states(version), version.state) == (["passed", "failed", "skipped", "skipped", "skipped"], "refused")
    assert "The node was lost 3 times" in checks_of(version)[1].errors[0]["detail"]
    assert claim(node=node.name) is None


def test_a_stopping_node_releases_its_inspection_without_penalty(node: TestNode):
    version = checked(WORKHORSE)
    for _ in range(5):
        assert claim(node=node.name) is not None
        assert take_back(node=node.name, lost=False) == 1
    inspection = Inspection.objects.get(version=version)
    assert (inspection.attempt, inspection.losses, inspection.state) == (5, 0, "waiting")


def test_concurrent_nodes_claim_an_inspection_once(node: TestNode):
    checked(WORKHORSE)
    barrier, claims = threading.Barrier(4), []

    def run() -> None:
        barrier.wait()
        try:
            claims.append(claim(node=node.name))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    [winner] = [one for one in claims if one is not None]
    assert inspections.renew(winner)
    assert take_back() == 0, "its lease has just begun"
