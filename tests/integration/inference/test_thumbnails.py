"""Thumbnails in the background: queued once by their cause, made once, and never tried for ever."""

import io
import secrets
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection, transaction
from PIL import Image

from inference.domain.thumbnails import SIDES
from inference.models import Artifact, Prediction, Thumbnails
from inference.services import thumbnails
from inference.services.thumbnails import MAX_ATTEMPTS, make_due, on_prediction_completed, queue
from inference.worker.claims import complete
from marketplace.core.ids import new_id
from marketplace.core.outbox import BATCH, relay
from marketplace.core.storage import blob_store
from tests.support.concurrency import MAX_CONCURRENT_CALLS, run_concurrently
from tests.support.inference_market import (
    ListedModel,
    call,
    claim_all,
    make_buyer,
    make_node,
    make_priced_model,
    succeeded,
)
from tests.support.parties import Party
from tests.support.pictures import bomb, picture

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def nothing_queued(database: None) -> None:
    """Delete what other tests queued."""
    while relay() == BATCH:
        pass
    Thumbnails.objects.all().delete()


@pytest.fixture
def buyer(database: None) -> Party:
    return make_buyer()


@pytest.fixture
def sale(database: None) -> ListedModel:
    return make_priced_model()


def noise(width: int = 700, height: int = 500) -> bytes:
    return picture(width, height, seed=secrets.randbits(60))


def kept(data: bytes) -> str:
    return blob_store().put(data).sha256


def file_of(data: bytes, **other: Any) -> dict[str, Any]:
    width, height = Image.open(io.BytesIO(data)).size
    file = {"id": str(new_id()), "position": 0, "sha256": kept(data), "media_type": "image/png"}
    return file | {"size": len(data), "width": width, "height": height} | other


def deliver(buyer: Party, sale: ListedModel, file: dict[str, Any]) -> Any:
    """A prediction that made this file; its events are delivered."""
    call(buyer, sale)
    (claimed,) = claim_all(sale, make_node())
    assert complete([replace(succeeded(claimed), artifacts=[file])]) == [(claimed.id, None)]
    while relay() == BATCH:
        pass
    return claimed.id


def row(source: str) -> Thumbnails:
    return Thumbnails.objects.get(pk=source)


def expire_lease(source: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE inference_thumbnails SET due_at = now() - interval '1 second' WHERE source = %s", [source]
        )


def test_what_a_prediction_made_gets_its_thumbnails(buyer: Party, sale: ListedModel):
    data = noise()
    file = file_of(data)
    deliver(buyer, sale, file)
    assert row(file["sha256"]).due_at is not None
    assert make_due() == 1
    found = row(file["sha256"])
    assert (found.due_at, found.error, found.attempts) == (None, "", 1)
    assert {side: (form["width"], form["height"]) for side, form in found.made.items()} == {
        "256": (256, 183),
        "640": (640, 457),
    }
    for form in found.made.values():
        blob = b"".join(blob_store().chunks(form["sha256"]))
        assert len(blob) == form["size"] < len(data)
        assert Image.open(io.BytesIO(blob)).size == (form["width"], form["height"])
    assert make_due() == 0


@pytest.mark.parametrize(
    "other", [{"media_type": "text/plain"}, {"media_type": "video/mp4"}, {"width": 256, "height": 200, "size": 16_384}]
)
def test_what_needs_none_is_not_queued(buyer: Party, sale: ListedModel, other: dict[str, Any]):
    deliver(buyer, sale, file_of(noise()) | other)
    assert not Thumbnails.objects.exists()


def test_a_prediction_that_failed_queues_nothing():
    on_prediction_completed([{"id": str(new_id()), "model": str(new_id()), "status": "failed"}])
    assert not Thumbnails.objects.exists()


def test_one_picture_is_made_once_however_often_it_is_named(buyer: Party, sale: ListedModel):
    data = noise()
    for _ in range(3):
        deliver(buyer, sale, file_of(data))
    assert make_due() == 1
    made = row(kept(data)).made
    deliver(buyer, sale, file_of(data))
    queue([kept(data)])
    assert make_due() == 0
    assert row(kept(data)).made == made


def test_events_that_come_again_and_at_once_queue_once(buyer: Party, sale: ListedModel):
    payloads = []
    for _ in range(4):
        id_ = deliver(buyer, sale, file_of(noise()))
        payloads.append({"id": str(id_), "model": "", "status": "succeeded"})
    Thumbnails.objects.all().delete()

    def receive(backwards: bool) -> None:
        with transaction.atomic():
            on_prediction_completed(payloads[::-1] if backwards else payloads)

    run_concurrently([lambda turn=turn: receive(turn % 2 == 1) for turn in range(MAX_CONCURRENT_CALLS)])
    assert Thumbnails.objects.count() == len(payloads)


def test_workers_that_race_share_the_work():
    sources = [kept(noise(300, 300)) for _ in range(12)]
    queue(sources)
    counts = run_concurrently([lambda: make_due(seconds=30)] * 4)
    assert sum(counts) == len(sources)
    assert {(row(source).attempts, row(source).error) for source in sources} == {(1, "")}
    assert all(set(row(source).made) == {str(side) for side in SIDES} for source in sources)


def test_two_workers_on_one_picture_end_it_once():
    """As when the first took longer than its lease."""
    source = kept(noise(2_000, 1_500))
    queue([source])
    taken: list[Any] = []

    def take() -> None:
        taken.extend(thumbnails._take())
        expire_lease(source)

    take()
    take()
    assert taken == [(source, 1), (source, 2)]
    run_concurrently([lambda: thumbnails._end(source, made=thumbnails._stored(source))] * 3)
    found = row(source)
    assert (found.due_at, found.attempts, set(found.made)) == (None, 2, {"256", "640"})
    thumbnails._end(source, error="too late")
    assert (row(source).made, row(source).error) == (found.made, "")


def test_a_worker_that_died_in_the_middle_leaves_nothing_half_done():
    source = kept(noise())
    queue([source])
    assert thumbnails._take() == [(source, 1)]  # and the worker dies
    assert (row(source).made, row(source).due_at is not None) == ({}, True)
    assert make_due() == 0, "the lease still counts"
    expire_lease(source)
    assert make_due() == 1
    assert (row(source).attempts, set(row(source).made)) == (2, {"256", "640"})


def test_a_picture_that_ends_its_workers_is_given_up():
    source = kept(noise())
    queue([source])
    for attempt in range(1, MAX_ATTEMPTS + 1):
        assert thumbnails._take() == [(source, attempt)]
        expire_lease(source)
    assert make_due() == 1
    assert (row(source).due_at, row(source).made) == (None, {})
    assert row(source).error == "3 workers ended while they made it"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"hello", "it is no PNG, JPEG or WebP picture, or is damaged (UnidentifiedImageError)"),
        (bomb(9_000), "it has more than 67,108,864 pixels"),
        (None, "its bytes are missing from the store"),
    ],
    ids=["text", "bomb", "missing"],
)
def test_a_failure_is_remembered_with_its_reason_and_not_tried_again(data: bytes | None, reason: str):
    source = kept(data) if data is not None else secrets.token_hex(32)
    queue([source])
    assert make_due() == 1
    assert (row(source).due_at, row(source).made, row(source).error) == (None, {}, reason)
    queue([source])
    assert make_due() == 0


def test_the_newest_comes_first_and_a_long_queue_is_taken_in_portions():
    old, new = [kept(noise(300, 300)) for _ in range(6)], kept(noise(300, 300))
    queue(old)
    for source in old:
        expire_lease(source)
    queue([new])
    assert new in [source for source, _ in thumbnails._take()]
    assert make_due(seconds=0) == 0
    assert make_due(seconds=30) == len(old) - (thumbnails.PORTION - 1)


def test_thumbnails_outlive_the_row_that_caused_them(buyer: Party, sale: ListedModel):
    file = file_of(noise())
    id_ = deliver(buyer, sale, file)
    Artifact.objects.filter(prediction=id_).delete()
    assert make_due() == 1
    assert set(row(file["sha256"]).made) == {"256", "640"}
    assert Prediction.objects.filter(pk=id_).exists()
