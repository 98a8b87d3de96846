"""Folders of a single model: what each task accepts and refuses."""

import json
from pathlib import Path
from typing import Any

import pytest

from providers import tasks
from providers.services.publish import check_folder
from providers.validation.refusal import FolderRefused
from tests.support.folders import CARD, INDEX, make_folder, weights

CLIP = {
    "architectures": ["CLIPModel"],
    "text_config": {"max_position_embeddings": 24},
    "vision_config": {"image_size": 128},
}
SWIN = {"architectures": ["Swin2SRForImageSuperResolution"], "upscale": 2, "window_size": 8}
UNET = {"_class_name": "UNet2DModel", "in_channels": 3, "out_channels": 1, "block_out_channels": [16, 32]}
KINDS: dict[str, dict[str, Any]] = {
    "matting": {"config.json": UNET, "diffusion_pytorch_model.safetensors": weights()},
    "super-resolution": {
        "config.json": SWIN,
        "model.safetensors": weights(),
        "preprocessor_config.json": {"image_processor_type": "Swin2SRImageProcessor"},
    },
    "scoring": {
        "config.json": CLIP,
        "model.safetensors": weights(),
        "preprocessor_config.json": {"image_processor_type": "CLIPImageProcessor"},
        "tokenizer.json": {},
        "tokenizer_config.json": {"tokenizer_class": "CLIPTokenizer"},
    },
}


def make(folder: Path, task: str, changes: dict[str, Any] | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for path, content in ({"README.md": CARD} | KINDS[task] | (changes or {})).items():
        if content is None:
            continue
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(content, bytes):
            content = (content if isinstance(content, str) else json.dumps(content)).encode()
        file.write_bytes(content)
    return folder


def refusal(folder: Path) -> dict[str, str]:
    with pytest.raises(FolderRefused) as refused:
        check_folder(folder)
    return {error.field: error.detail for error in refused.value.errors}


@pytest.mark.parametrize("task", sorted(KINDS))
def test_a_single_model_is_accepted_for_its_task(tmp_path: Path, task: str):
    checked = check_folder(make(tmp_path, task))
    assert checked.task.name == task
    image = checked.input_schema["properties"]["image"]
    assert (image["type"], image["format"], image["x-media"], image["x-order"]) == ("string", "uri", "image", 0)
    assert checked.input_schema["required"][0] == "image"
    known = dict(zip(checked.input_schema["properties"], range(10), strict=False))
    assert {name: field["x-order"] for name, field in checked.input_schema["properties"].items()} == known


def test_a_processors_own_file_may_hold_the_image_processor(tmp_path: Path):
    folder = make(
        tmp_path,
        "scoring",
        {
            "preprocessor_config.json": None,
            "processor_config.json": {"image_processor": {"image_processor_type": "CLIPImageProcessor"}},
        },
    )
    assert check_folder(folder).components.configs["image_processor"] == {"image_processor_type": "CLIPImageProcessor"}


def test_an_image_to_image_pipeline_has_the_components_of_text_to_image(tmp_path: Path):
    index = INDEX | {"_class_name": "StableDiffusionImg2ImgPipeline"}
    checked = check_folder(make_folder(tmp_path / "a", {"model_index.json": index}))
    assert checked.task.name == "image-to-image"
    properties = checked.input_schema["properties"]
    assert (properties["strength"]["default"], properties["num_inference_steps"]["default"]) == (0.75, 12)
    assert (properties["image"]["x-min-side"], properties["image"]["x-max-side"]) == (64, 256)
    assert checked.input_schema["required"] == ["image", "prompt"]
    evil = index | {"unet": ["evil", "X"]}
    assert refusal(make_folder(tmp_path / "b", {"model_index.json": evil})) == {
        "model_index.json": "unet: evil.X is not an allowed class"
    }


WRONG = [
    ("matting", {"config.json": {"_class_name": "UNet1DModel"}}, "config.json", "names UNet1DModel; a model alone"),
    ("matting", {"config.json": {"_class_name": ["UNet2DModel"]}}, "config.json", "names None; a model alone must be"),
    ("matting", {"config.json": UNET | {"out_channels": 3}}, "config.json", "out_channels must be a whole number"),
    ("matting", {"config.json": UNET | {"in_channels": True}}, "config.json", "in_channels must be a whole number"),
    ("matting", {"config.json": UNET | {"block_out_channels": 7}}, "config.json", "block_out_channels must be a list"),
    ("matting", {"config.json": UNET | {"auto_map": {"a": "b"}}}, "config.json", "asks for code to be run (auto_map)"),
    (
        "matting",
        {"diffusion_pytorch_model.safetensors": None, "model.safetensors": weights()},
        "diffusion_pytorch_model.safetensors",
        "is missing; UNet2DModel cannot be run without it",
    ),
    ("matting", {"unet/model.safetensors": weights()}, "unet/model.safetensors", "is not part of UNet2DModel"),
    ("matting", {"model.bin": b"x"}, "model.bin", "can run code when it is loaded"),
    ("matting", {"modeling.py": "x"}, "modeling.py", "can run code when it is loaded"),
    ("super-resolution", {"preprocessor_config.json": None}, "preprocessor_config.json", "is missing"),
    ("super-resolution", {"config.json": SWIN | {"upscale": 1}}, "config.json", "upscale must be a whole number"),
    ("super-resolution", {"config.json": SWIN | {"upsampler": "x"}}, "config.json", "upsampler must be one of"),
    ("super-resolution", {"config.json": SWIN | {"num_channels": 1}}, "config.json", "num_channels must be"),
    ("super-resolution", {"config.json": SWIN | {"architectures": ["A", "B"]}}, "config.json", "names None"),
    ("scoring", {"tokenizer.json": None}, "tokenizer.json", "is missing; CLIPModel cannot be run without it"),
    ("scoring", {"tokenizer_config.json": {"tokenizer_class": "Evil"}}, "tokenizer_config.json", "tokenizer_class"),
    ("scoring", {"preprocessor_config.json": {}}, "preprocessor_config.json", "image_processor_type must be one of"),
    ("scoring", {"preprocessor_config.json": {"auto_map": {}}}, "preprocessor_config.json", "asks for code to be run"),
    ("scoring", {"config.json": CLIP | {"vision_config": None}}, "config.json", "vision_config is missing"),
    ("scoring", {"config.json": "[]"}, "config.json", "must be a JSON object"),
    (
        "scoring",
        {
            "model.safetensors": None,
            "model-00001-of-00001.safetensors": weights(),
            "model.safetensors.index.json": {"weight_map": {"a": "../../secret.safetensors"}},
        },
        "model.safetensors.index.json",
        "weight_map must name .safetensors files that lie beside it",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("task", "changes", "file", "detail"), WRONG)
def test_what_is_refused_names_its_file(tmp_path: Path, task: str, changes: dict[str, Any], file: str, detail: str):
    found = refusal(make(tmp_path, task, changes))
    assert list(found) == [file]
    assert detail in found[file]


def test_an_index_decides_that_a_folder_is_a_pipeline(tmp_path: Path):
    """A single model must not be accepted as a pipeline without components."""
    folder = make(tmp_path, "scoring", {"model_index.json": {"_class_name": "CLIPModel"}})
    assert "_class_name is 'CLIPModel'; it must be one of" in refusal(folder)["model_index.json"]


@pytest.mark.parametrize(
    ("inputs", "key"),
    [
        (("matting", {}), "64x48"),
        (("super-resolution", {}), "64x48"),
        (("scoring", {"prompt": "x"}), ""),
        (("image-to-image", {"num_inference_steps": 4, "guidance_scale": 2.5, "strength": 1}), "64x48 4 2.5 1"),
    ],
)
def test_what_may_share_a_run(inputs: tuple[str, dict[str, Any]], key: str):
    task = tasks.task_named(inputs[0])
    assert task.batch_key(inputs[1] | {"image": {"width": 64, "height": 48}}) == key


@pytest.mark.parametrize(
    ("change", "largest"),
    [
        ({"add_attention": False}, 2048),
        ({}, 512),
        ({"add_attention": False, "down_block_types": ["AttnDownBlock2D"]}, 512),
    ],
)
def test_attention_bounds_the_size_of_matting(tmp_path: Path, change: dict[str, Any], largest: int):

    checked = check_folder(make(tmp_path, "matting", {"config.json": UNET | change}))
    image = checked.input_schema["properties"]["image"]
    assert image["x-max-side"] == largest
