"""The stock `openai` client over a live market."""

import base64
import io
import secrets
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import httpx
import openai
import pytest
from PIL import Image

from tests.support.market import Market
from tests.support.pictures import picture


@pytest.fixture
def client(market: Market) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        api_key=market.demo["buyer"]["api_key"], base_url=f"{market.base_url}/openai/v1", max_retries=0
    ) as client:
        yield client


def test_generate_gives_pictures_as_base64_and_by_link(market: Market, client: openai.OpenAI):
    answer = client.images.generate(
        model=market.demo["models"][0],
        prompt="a red circle on a white background",
        n=2,
        size="128x128",
        output_format="jpeg",
        extra_body={"seed": 7, "num_inference_steps": 8},
    )
    assert (answer.size, answer.output_format, len(answer.data)) == ("128x128", "jpeg", 2)
    for made in answer.data:
        image = Image.open(io.BytesIO(base64.b64decode(made.b64_json)))
        assert (image.format, image.size) == ("JPEG", (128, 128))
        red, green, _ = image.convert("RGB").getpixel((64, 64))
        assert red > 180 > 110 > green
        assert httpx.get(made.url).content == base64.b64decode(made.b64_json)


@pytest.mark.parametrize(("wanted", "other"), [("url", "b64_json"), ("b64_json", "url")])
def test_only_the_requested_response_format_is_returned(market: Market, client: openai.OpenAI, wanted: str, other: str):
    answer = client.images.generate(model=market.demo["models"][1], prompt="a leaf", response_format=wanted)
    assert getattr(answer.data[0], wanted)
    assert getattr(answer.data[0], other) is None


def test_models_are_listed_and_retrieved(market: Market, client: openai.OpenAI):
    assert set(market.demo["models"]) <= {model.id for model in client.models.list()}
    assert client.models.retrieve(market.demo["models"][0]).owned_by == "lumen"


def test_edit_starts_from_a_picture(client: openai.OpenAI, picture_models: Mapping[str, str]):
    answer = client.images.edit(
        model=picture_models["image-to-image"],
        image=("cat.png", picture(72, 64), "image/png"),
        prompt="7",  # a text that looks like a number stays one
        n=2,
        output_format="webp",
        extra_body={"seed": 7, "strength": 0.5, "num_inference_steps": 4, "negative_prompt": "8"},
    )
    assert (answer.size, answer.output_format, len(answer.data)) == ("72x64", "webp", 2)
    for made in answer.data:
        image = Image.open(io.BytesIO(base64.b64decode(made.b64_json)))
        assert (image.format, image.size) == ("WEBP", (72, 64))


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"image": ("a.txt", b"no picture", "text/plain")}, "content"),
        ({"image": [("a.png", picture(64, 64), "image/png")] * 2}, "image"),
        ({"mask": ("m.png", picture(64, 64), "image/png")}, "mask"),
        ({"size": "128x128"}, "input.height"),
        ({"prompt": ""}, "input.prompt"),
        ({"extra_body": {"strength": "much"}}, "input.strength"),
        ({"extra_body": {"strength": 7}}, "input.strength"),
        ({"image": ("a.png", picture(8, 8), "image/png")}, "input.image"),
    ],
)
def test_bad_edits_name_the_field(
    client: openai.OpenAI, picture_models: Mapping[str, str], given: dict[str, object], field: str
):
    call = {"image": ("cat.png", picture(64, 64), "image/png"), "prompt": "a star"} | given
    with pytest.raises(openai.UnprocessableEntityError) as refused:
        client.images.edit(model=picture_models["image-to-image"], **call)
    assert (refused.value.param, refused.value.type) == (field, "invalid_request_error")


def test_a_model_that_returns_a_value_gives_an_error_with_the_reason(
    client: openai.OpenAI, picture_models: Mapping[str, str]
):
    with pytest.raises(openai.InternalServerError, match="answers with a value, not with pictures"):
        client.images.edit(
            model=picture_models["scoring"], image=("cat.png", picture(64, 64), "image/png"), prompt="a star"
        )


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"size": "huge"}, "size"),
        ({"n": 9}, "input.num_outputs"),
        ({"size": "129x128"}, "input.width"),
        ({"output_format": "gif"}, "output_format"),
        ({"prompt": ""}, "input.prompt"),
        ({"extra_body": {"stream": True}}, "stream"),
        ({"extra_body": {"colour": "red"}}, "input.colour"),
        ({"model": "gpt-image-1"}, "model"),
    ],
)
def test_bad_input_names_the_field(market: Market, client: openai.OpenAI, given: dict[str, object], field: str):
    call = {"model": market.demo["models"][0], "prompt": "a star"} | given
    with pytest.raises(openai.UnprocessableEntityError) as refused:
        client.images.generate(**call)
    assert (refused.value.param, refused.value.type) == (field, "invalid_request_error")


def test_errors_become_the_clients_exceptions(market: Market, client: openai.OpenAI):
    with pytest.raises(openai.NotFoundError, match="nobody/nothing"):
        client.images.generate(model="nobody/nothing", prompt="x")
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nobody/nothing")
    with (
        openai.OpenAI(api_key="bourse_wrong", base_url=f"{market.base_url}/openai/v1") as stranger,
        pytest.raises(openai.AuthenticationError),
    ):
        stranger.images.generate(model=market.demo["models"][0], prompt="x")


def test_an_idempotency_key_makes_one_prediction_of_many_calls(market: Market, client: openai.OpenAI):
    headers = {"Idempotency-Key": f"order-{secrets.token_hex(8)}"}
    call = {"model": market.demo["models"][1], "prompt": "a leaf", "extra_headers": headers}
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: client.images.generate(**call), range(4)))
    assert len({answer.prediction["id"] for answer in answers}) == 1
    assert len({answer.data[0].b64_json for answer in answers}) == 1
    with pytest.raises(openai.ConflictError) as refused:
        client.images.generate(**call | {"prompt": "a star"})
    assert refused.value.code == "idempotency_key_reused"


@pytest.mark.parametrize(
    "ceiling", [{"extra_body": {"max_price": "0.007999"}}, {"extra_headers": {"Bourse-Max-Price": "0.007999"}}]
)
def test_max_price_refuses_a_call_that_could_cost_more(
    market: Market, client: openai.OpenAI, ceiling: dict[str, object]
):
    with pytest.raises(openai.UnprocessableEntityError, match=r"max_price is \$0.007999.* may cost \$0.008") as refused:
        client.images.generate(model=market.demo["models"][0], prompt="a star", n=2, **ceiling)
    assert (refused.value.code, refused.value.param) == ("above_max_price", "max_price")
