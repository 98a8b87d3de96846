"""Pictures in calls, with the stock `replicate` client against a live market, as file handles."""

import io
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from replicate.client import Client
from replicate.exceptions import ReplicateError

from tests.contract.test_replicate import balance, client_with, settled_balance
from tests.support.market import Market
from tests.support.pictures import bomb, data_uri, picture
from tests.support.services import wait_until


@pytest.fixture
def client(market: Market) -> Iterator[Client]:
    with client_with(market.demo["buyer"]["api_key"], market) as client:
        yield client


@pytest.fixture
def http(market: Market) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {market.demo['buyer']['api_key']}"}
    with httpx.Client(base_url=market.base_url, headers=headers, timeout=90) as client:
        yield client


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cat.png"
    path.write_bytes(picture(96, 80))
    return path


def fetched(url: str) -> Image.Image:
    answer = httpx.get(url, timeout=30).raise_for_status()
    image = Image.open(io.BytesIO(answer.content))
    image.load()
    return image


def test_a_file_handle_is_uploaded_and_matted(client: Client, picture_models: Mapping[str, str], file: Path):
    with file.open("rb") as handle:
        (url,) = client.run(picture_models["matting"], input={"image": handle})
    result, given = fetched(url), Image.open(file)
    assert (result.mode, result.size) == ("RGBA", (96, 80))
    assert (np.asarray(result)[..., :3] == np.asarray(given)).all()
    by_path = client.run(picture_models["matting"], input={"image": file})
    assert (np.asarray(fetched(by_path[0])) == np.asarray(result)).all()


def test_the_client_can_send_it_in_the_call_itself(client: Client, picture_models: Mapping[str, str], file: Path):
    with file.open("rb") as handle:
        (url,) = client.run(
            picture_models["super-resolution"], input={"image": handle}, file_encoding_strategy="base64"
        )
    assert fetched(url).size == (192, 160)


def test_the_result_of_one_model_is_the_input_of_the_next(client: Client, picture_models: Mapping[str, str]):
    (cut_out,) = client.run(picture_models["matting"], input={"image": data_uri(picture(64, 64))})
    (larger,) = client.run(picture_models["super-resolution"], input={"image": cut_out})
    assert fetched(larger).size == (128, 128)
    (restyled,) = client.run(
        picture_models["image-to-image"],
        input={"image": cut_out, "prompt": "a star", "num_inference_steps": 2, "seed": 1},
    )
    assert fetched(restyled).size == (64, 64)
    score = client.run(picture_models["scoring"], input={"image": restyled, "prompt": "a star"})
    assert set(score) == {"score"}
    assert -1 <= score["score"] <= 1


def test_a_value_is_returned_wherever_outputs_are(
    client: Client, http: httpx.Client, picture_models: Mapping[str, str]
):
    before, held = settled_balance(http)
    inputs = {"image": data_uri(picture(50, 60)), "prompt": "a star"}
    prediction = client.predictions.create(model=picture_models["scoring"], input=inputs)
    events = [(event.event.value, event.data) for event in prediction.stream()]
    prediction.reload()
    assert prediction.status == "succeeded"
    assert [data for kind, data in events if kind == "output"] == [json.dumps(prediction.output, separators=(",", ":"))]
    assert events[-1] == ("done", "{}")
    assert balance(http) == (before - Decimal("0.002"), held)
    receipt = http.get(f"/v1/predictions/{prediction.id}").json()["receipt"]["payload"]
    assert (receipt["quantity"], receipt["charged"], len(receipt["outputs"])) == (1, "0.002000", 1)
    schema = client.models.get(picture_models["scoring"]).latest_version.openapi_schema["components"]["schemas"]
    assert schema["Output"]["required"] == ["score"]


def test_results_are_the_same_alone_and_in_a_batch(client: Client, picture_models: Mapping[str, str]):
    pictures = [data_uri(picture(48, 48, seed=seed)) for seed in range(6)]
    many = [
        client.predictions.create(model=picture_models["super-resolution"], input={"image": one}) for one in pictures
    ]
    for prediction in many:
        wait_until(lambda one=prediction: one.reload() or one.status == "succeeded", "its end", seconds=30)
    for one, prediction in zip(pictures, many, strict=True):
        alone = client.run(picture_models["super-resolution"], input={"image": one})
        difference = np.asarray(fetched(alone[0])).astype(int) - np.asarray(fetched(prediction.output[0])).astype(int)
        assert np.abs(difference).max() <= 1


def test_uploads_are_listed_read_and_deleted_with_the_client(client: Client, file: Path):
    made = client.files.create(file, metadata={"of": "a cat"})
    assert (made.name, made.content_type, made.size) == ("cat.png", "image/png", file.stat().st_size)
    assert made.metadata == {"of": "a cat"}
    assert client.files.get(made.id) == made
    assert made.id in [one.id for one in client.files.list()]
    assert httpx.get(made.urls["download"], timeout=30).content == file.read_bytes()
    assert client.files.delete(made.id)
    with pytest.raises(ReplicateError) as gone:
        client.files.get(made.id)
    assert gone.value.status == 404


def test_bad_files_are_refused_and_hold_nothing(
    market: Market, client: Client, http: httpx.Client, picture_models: Mapping[str, str], file: Path
):
    with client_with(market.demo["others"]["buyer"]["api_key"], market) as other:
        theirs = other.files.create(file)
    (result,) = client.run(picture_models["matting"], input={"image": file})
    before = settled_balance(http)
    wrong: list[Any] = [
        data_uri(b"%PDF-1.7 not a picture"),
        data_uri(bomb()),
        data_uri(picture(format="JPEG")[:-300], "image/jpeg"),
        theirs.urls["get"],
        result.replace("expires=1", "expires=0").split("&")[0].replace("/artifacts/0", "/artifacts/1"),
        "http://169.254.169.254/latest/meta-data/",
        "https://example.com/cat.png",
        7,
    ]
    for value in wrong:
        with pytest.raises(ReplicateError) as refused:
            client.run(picture_models["matting"], input={"image": value})
        assert refused.value.status == 422
        assert "input.image" in refused.value.detail
    for broken in (io.BytesIO(b"text"), io.BytesIO(bomb())):
        with pytest.raises(ReplicateError) as refused:
            client.run(picture_models["matting"], input={"image": broken})
        assert refused.value.status == 422
    assert balance(http) == before
