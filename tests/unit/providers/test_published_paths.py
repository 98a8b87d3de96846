"""Which files may be published: an allow list of names, and no links."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.validation.paths import MAX_FILES, MAX_TEXT_BYTES, SEGMENT, list_folder, refusal
from tests.support.folders import CARD, TEXTS, WEIGHTS, make_folder


def refused(folder: Path) -> dict[str, str]:
    return {error.field: error.detail for error in list_folder(folder)[1]}


def put(folder: Path, path: str, content: bytes = b"x") -> None:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def test_a_saved_pipeline_is_taken_whole(tmp_path: Path):
    files, errors = list_folder(make_folder(tmp_path))
    assert errors == []
    assert sorted(files) == sorted(["README.md", *TEXTS, *WEIGHTS])
    assert files["README.md"].read_text() == CARD


@pytest.mark.parametrize(
    "path",
    [
        "unet/diffusion_pytorch_model.fp16.safetensors",
        "unet/diffusion_pytorch_model-00001-of-00002.safetensors",
        "unet/diffusion_pytorch_model.safetensors.index.json",
        "tokenizer/merges.txt",
        "examples/one.webp",
        "a/b/c/config.json",
        "LICENSE",
    ],
)
def test_what_a_pipeline_needs_may_be_published(tmp_path: Path, path: str):
    put(tmp_path, path)
    assert list(list_folder(tmp_path)[0]) == [path]
    assert refused(tmp_path) == {}


CODE = "can run code when it is loaded; publish weights as .safetensors and no code"
UNKNOWN = "is not a kind of file that a pipeline needs; remove it from the folder"
NAME = "has a name that may not be published: use letters, digits, dots, dashes and underscores"
DEEP = "lies too deep or has too long a path: at most 3 folders and 255 characters"
LINK = "is a link or a special file; put the file itself there"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("unet/diffusion_pytorch_model.bin", CODE),
        ("model.ckpt", CODE),
        ("weights.PKL", CODE),
        ("weights.pt", CODE),
        ("pipeline.py", CODE),
        ("unet/modeling.py", CODE),
        ("lib.so", CODE),
        ("extensionless", UNKNOWN),
        ("weights", UNKNOWN),
        ("page.html", UNKNOWN),
        ("picture.svg", UNKNOWN),
        ("model.safetensors.exe.txt", UNKNOWN),
        ("readme.md", UNKNOWN),
        ("evil.fp16.fp16.safetensors", UNKNOWN),
        ("a b.png", NAME),
        ("ünet.png", NAME),
        (".hidden.png", NAME),
        ("-rf.png", NAME),
        ("..png", NAME),
        ("a\nb.png", NAME),
        ("a\\b.png", NAME),
        ("$(x).png", NAME),
        ("a/b/c/d/config.json", DEEP),
        ("x" * 102 + ".png", NAME),
        ("/".join(["x" * 90, "y" * 90, "z" * 90, "config.json"]), DEEP),
    ],
)
def test_other_files_are_refused_by_name(tmp_path: Path, path: str, reason: str):
    put(tmp_path, path)
    assert list_folder(tmp_path)[0] == {}
    assert refused(tmp_path) == {path: reason}


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=120))
def test_an_odd_name_is_never_taken(name: str):
    if not SEGMENT.fullmatch(name):
        assert refusal(name, 1) == NAME
        assert refusal(f"unet/{name}", 1) == NAME
        assert refusal(f"{name}/config.json", 1) == NAME


def test_a_path_outside_the_folder_is_refused():
    for path in ("../config.json", "unet/../../config.json", "./config.json", "/etc/config.json", "unet//config.json"):
        assert refusal(path, 1) == NAME


def test_links_and_special_files_are_refused(tmp_path: Path):
    secret = tmp_path / "secret"
    put(secret, "README.md", b"not yours")
    folder = make_folder(tmp_path / "model", {"README.md": None})
    (folder / "README.md").symlink_to(secret / "README.md")
    (folder / "examples").symlink_to(secret)
    (folder / "config.json").symlink_to("nowhere")
    os.mkfifo(folder / "vocab.json")
    files, _ = list_folder(folder)
    assert sorted(files) == sorted([*TEXTS, *WEIGHTS])
    assert refused(folder) == dict.fromkeys(["README.md", "examples", "config.json", "vocab.json"], LINK)


def test_version_controls_own_files_are_left_out(tmp_path: Path):
    folder = make_folder(tmp_path)
    put(folder, ".git/hooks/post.py")
    put(folder, ".cache/huggingface/x.lock")
    put(folder, ".gitattributes")
    files, errors = list_folder(folder)
    assert errors == []
    assert sorted(files) == sorted(["README.md", *TEXTS, *WEIGHTS])


def test_too_many_files_are_refused(tmp_path: Path):
    for number in range(MAX_FILES):
        put(tmp_path, f"examples/{number}.png")
    assert refused(tmp_path) == {}
    put(tmp_path, "examples/more.png")
    assert refused(tmp_path) == {".": f"A version may have at most {MAX_FILES} files; this folder has {MAX_FILES + 1}"}


def test_a_text_may_not_be_huge(tmp_path: Path):
    put(tmp_path, "config.json", b"")
    os.truncate(tmp_path / "config.json", MAX_TEXT_BYTES)
    assert refused(tmp_path) == {}
    os.truncate(tmp_path / "config.json", MAX_TEXT_BYTES + 1)
    assert refused(tmp_path) == {"config.json": f"has {MAX_TEXT_BYTES + 1} bytes; such files may have {MAX_TEXT_BYTES}"}


def test_names_that_differ_by_case_only_are_refused(tmp_path: Path):
    put(tmp_path, "examples/A.png")
    put(tmp_path, "examples/a.png")
    assert refused(tmp_path) == {"examples/a.png": "differs from examples/A.png by case only; rename one"}
