"""The event stream of the market's pages: live progress, by signed link, replayable."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.market import Market

Event = tuple[str, str, dict[str, Any]]  # kind, id, data


@pytest.fixture
def prediction(market: Market) -> dict[str, Any]:
    """A prediction of many steps that was just admitted; a node may have claimed it already."""
    answer = httpx.post(
        f"{market.base_url}/v1/models/{market.demo['models'][0]}/predictions",
        json={"input": {"prompt": "a purple gear on a white background", "num_inference_steps": 40}},
        headers={"Authorization": f"Bearer {market.demo['buyer']['api_key']}"},
        timeout=30,
    )
    assert answer.status_code == 201
    document: dict[str, Any] = answer.json()
    return document


def events(url: str, *, after: str | None = None) -> Iterator[Event]:
    headers = {"Last-Event-ID": after} if after else {}
    with httpx.stream("GET", url, headers=headers, timeout=60) as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        fields: dict[str, str] = {}
        for line in answer.iter_lines():
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            else:
                yield fields["event"], fields.get("id", ""), json.loads(fields["data"])
                fields = {}


def test_progress_comes_step_by_step_and_ends_with_the_document(prediction: dict[str, Any]):
    seen = list(events(prediction["urls"]["events"]))
    kinds = [kind for kind, _, _ in seen]
    assert kinds[0] == "state"
    assert kinds[-1] == "done"
    assert kinds.count("done") == 1
    steps = [data["step"] for kind, _, data in seen if kind == "progress"]
    assert steps == sorted(set(steps))
    assert steps[-1] == 40
    assert len(steps) > 3
    done = seen[-1][2]
    assert (done["id"], done["status"], len(done["output"])) == (prediction["id"], "succeeded", 1)
    assert done["receipt"]["payload"]["charged"] == "0.004000"


def test_a_broken_stream_resumes_after_the_last_event(prediction: dict[str, Any]):
    whole = [event for event in events(prediction["urls"]["events"]) if event[0] == "progress"]
    middle = len(whole) // 2
    rest = list(events(prediction["urls"]["events"], after=whole[middle][1]))
    assert [event for event in rest if event[0] == "progress"] == whole[middle + 1 :]
    assert rest[-1][0] == "done"
