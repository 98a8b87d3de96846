"""README.md: licence, description and default inputs."""

import re
import time
from pathlib import Path

import pytest

from providers.services.publish import check_folder
from providers.validation.card import MAX_DESCRIPTION_LENGTH, read_card
from providers.validation.refusal import FolderRefused
from providers.validation.source import LocalSource
from tests.support.folders import make_folder


def card(tmp_path: Path, content: str | bytes):  # type: ignore[no-untyped-def]
    file = tmp_path / "README.md"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_card({"README.md": LocalSource(file)})


def refusal(tmp_path: Path, content: str | bytes) -> str:
    started = time.monotonic()
    with pytest.raises(FolderRefused) as refused:
        card(tmp_path, content)
    assert time.monotonic() - started < 10, "a card must not be able to keep the market busy"
    (error,) = refused.value.errors
    assert error.field == "README.md"
    return error.detail


def test_the_content_of_a_card_is_read(tmp_path: Path):
    text = (
        "---\nlicense: Apache-2.0\ninference: {parameters: {guidance_scale: 2.5}}\n---\n"
        "# Title\n\n![x](y)\n\nFlat *icons*\non grounds.\n\nMore."
    )
    found = card(tmp_path, text)
    assert found.license == "apache-2.0"
    assert found.description == "Flat *icons* on grounds."
    assert found.text == text.split("---\n", 2)[2]
    assert found.defaults == {"guidance_scale": 2.5}
    assert card(tmp_path, text.replace("\n", "\r\n")) == found


def test_a_long_description_ends_at_a_word(tmp_path: Path):
    found = card(tmp_path, "---\nlicense: mit\n---\n" + "word " * 100)
    assert len(found.description) <= MAX_DESCRIPTION_LENGTH
    assert found.description.endswith("word…")


def test_a_card_may_have_no_text(tmp_path: Path):
    found = card(tmp_path, "---\nlicense: other\n---\n")
    assert (found.text, found.description, found.defaults) == ("", "", {})


def test_a_missing_card(tmp_path: Path):
    with pytest.raises(FolderRefused, match=r"README\.md: is missing; buyers need a card"):
        read_card({})


@pytest.mark.parametrize(
    "content",
    [
        "",
        "No metadata.",
        "---\n---\n",
        "---\ntags: [x]\n---\nText",
        "---\nlicense:\n---\n",
        "---\nlicense: no\n---\n",
        "---\nlicense: [mit]\n---\n",
        "---\nlicense: ''\n---\n",
        "---\nlicense: '  '\n---\n",
        "---\nlicense: mit",
        "\n---\nlicense: mit\n---\n",
        "---\njust text\n---\n",
        "---\n- license\n---\n",
        '---\nlicense: "\\0"\n---\n',
        '---\nlicense: "mit\\ud800"\n---\n',
        '---\nlicense: "mit\\nand more"\n---\n',
        f"---\nlicense: {'x' * 61}\n---\n",
        "---\nlicense: <b>mit</b>\n---\n",
    ],
)
def test_no_licence(tmp_path: Path, content: str):
    assert refusal(tmp_path, content) == 'name the licence in the metadata block, e.g. "license: apache-2.0"'


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        (b"---\nlicense: mit\n---\n\xff\xfe", "is not UTF-8 text"),
        ("---\nlicense: mit\n---\nabc\0def", "contains a NUL character"),
        ("---\nlicense: 'mit\n---\n", "the metadata block is not YAML"),
        ("---\n\tlicense: mit\n---\n", "the metadata block is not YAML"),
        ("---\nlicense: !!python/object/apply:os.system ['true']\n---\n", "the metadata block is not YAML"),
        ("---\nlicense: mit\nat: 2026-13-45\n---\n", "the metadata block is not YAML"),
        ("---\nlicense: mit\nn: " + "9" * 5_000 + "\n---\n", "the metadata block is not YAML"),
        ("---\nlicense: mit\nx: " + "[" * 3_000 + "\n---\n", "the metadata block is not YAML"),
        ("---\nlicense: mit\nx: " + "{a: " * 3_000 + "\n---\n", "the metadata block is not YAML"),
    ],
    ids=["not UTF-8", "NUL", "open quote", "tab", "object", "impossible date", "huge number", "deep list", "deep map"],
)
def test_unreadable_cards_are_refused(tmp_path: Path, content: str | bytes, detail: str):
    assert refusal(tmp_path, content).startswith(detail)


def test_a_bomb_of_aliases_is_refused(tmp_path: Path):
    lines = ["a0: &a0 {k: v}"] + [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 12)]
    detail = refusal(tmp_path, "---\nlicense: mit\n" + "\n".join(lines) + "\n---\n")
    assert detail == "the metadata block is not YAML that may be published: it uses aliases (*name)"


@pytest.mark.parametrize(
    "content",
    ["---" + "\n" * 300_000, "---\n" + "---\n" * 100_000, "---\nlicense: mit\n" + "a: b\n" * 500_000 + "---\n"],
    ids=["empty lines", "rules", "a huge block"],
)
def test_a_long_card_is_refused_quickly(tmp_path: Path, content: str):
    refusal(tmp_path, content)


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ("num_inference_steps: 0", "num_inference_steps"),
        ("num_inference_steps: 51", "num_inference_steps"),
        ("num_inference_steps: 2.5", "num_inference_steps"),
        ("num_inference_steps: '12'", "num_inference_steps"),
        ("num_inference_steps: true", "num_inference_steps"),
        ("num_inference_steps: null", "num_inference_steps"),
        ("num_inference_steps: [12]", "num_inference_steps"),
        ("guidance_scale: -0.1", "guidance_scale"),
        ("guidance_scale: 20.5", "guidance_scale"),
        ("guidance_scale: .nan", "guidance_scale"),
        ("guidance_scale: .inf", "guidance_scale"),
        ("guidance_scale: high", "guidance_scale"),
    ],
)
def test_invalid_defaults_are_refused(tmp_path: Path, parameters: str, field: str):
    text = f"---\nlicense: mit\ninference:\n  parameters:\n    {parameters}\n---\n"
    limits = {"num_inference_steps": "1 to 50", "guidance_scale": "0 to 20"}[field]
    with pytest.raises(FolderRefused) as refused:
        check_folder(make_folder(tmp_path, {"README.md": text}))
    (error,) = refused.value.errors
    assert (error.field, error.detail) == (
        "README.md",
        f"inference.parameters.{field} must be a number from {limits}",
    )


@pytest.mark.parametrize("inference", ["5", "[1]", "{parameters: 5}", "{parameters: [1]}", "{parameters: text}"])
def test_recommendations_of_another_shape_are_refused(tmp_path: Path, inference: str):
    detail = refusal(tmp_path, f"---\nlicense: mit\ninference: {inference}\n---\n")
    assert detail == "inference.parameters must be a mapping of input fields to values"


@pytest.mark.parametrize("inference", ["true", "false", "null", "{}", "{parameters: null}", "{widget: x}"])
def test_no_recommendations(tmp_path: Path, inference: str):
    assert card(tmp_path, f"---\nlicense: mit\ninference: {inference}\n---\n").defaults == {}


def test_recommendations_become_the_defaults_of_a_call(tmp_path: Path):
    text = "---\nlicense: mit\ninference: {parameters: {num_inference_steps: 7, guidance_scale: 3, unknown: 1}}\n---\n"
    properties = check_folder(make_folder(tmp_path, {"README.md": text})).input_schema["properties"]
    assert properties["num_inference_steps"]["default"] == 7
    assert properties["guidance_scale"]["default"] == 3.0
    assert "unknown" not in properties
    assert re.fullmatch(r"[a-z_ ]+", " ".join(properties))
