"""A folder is a pipeline of allowed classes, without code and without paths outside of it."""

from pathlib import Path
from typing import Any

import pytest

from inference.domain.admission import InputCheck
from providers.services.publish import check_folder
from providers.validation.refusal import FolderRefused
from tests.support.folders import INDEX, TEXTS, make_folder, weights


def refusal(folder: Path) -> dict[str, str]:
    with pytest.raises(FolderRefused) as refused:
        check_folder(folder)
    assert refused.value.detail.startswith("Nothing was stored. ")
    return {error.field: error.detail for error in refused.value.errors}


def test_a_saved_pipeline_is_taken(tmp_path: Path):
    checked = check_folder(make_folder(tmp_path))
    assert checked.task.name == "text-to-image"
    assert checked.components.pipeline_class == "StableDiffusionPipeline"
    assert set(checked.components.libraries) == {"scheduler", "text_encoder", "tokenizer", "unet", "vae"}
    assert checked.components.libraries["vae"] == ("diffusers", "AutoencoderTiny")
    properties = checked.input_schema["properties"]
    assert (properties["width"]["default"], properties["width"]["maximum"]) == (128, 256)
    assert properties["num_inference_steps"]["default"] == 12
    assert properties["guidance_scale"]["default"] == 7.5


@pytest.mark.parametrize(
    "name",
    [None, "", "DiffusionPipeline", "FluxPipeline", ["StableDiffusionPipeline"], ["my.module", "Evil"], {}, 5, True],
    ids=str,
)
def test_a_class_that_is_not_allowed(tmp_path: Path, name: Any):
    details = refusal(make_folder(tmp_path, {"model_index.json": INDEX | {"_class_name": name}}))
    known = "StableDiffusionImg2ImgPipeline, StableDiffusionPipeline"
    assert details == {"model_index.json": f"_class_name is {str(name)!r}; it must be one of: {known}"}


@pytest.mark.parametrize(
    ("pair", "detail"),
    [
        (["evil", "UNet2DConditionModel"], "unet: evil.UNet2DConditionModel is not an allowed class"),
        (["diffusers", "FluxTransformer2DModel"], "unet: diffusers.FluxTransformer2DModel is not an allowed class"),
        (["unet", "MyUNet"], "unet: unet.MyUNet is not an allowed class"),
        (["diffusers.pipelines", "X"], "unet: diffusers.pipelines.X is not an allowed class"),
        (["diffusers"], "unet: must be a pair of library and class"),
        (["diffusers", None], "unet: must be a pair of library and class"),
        ([None, "X"], "unet: must be a pair of library and class"),
        (["diffusers", ["X"]], "unet: must be a pair of library and class"),
        (["diffusers", "UNet2DConditionModel", "x"], "unet: must be a pair of library and class"),
        ([], "unet: must be a pair of library and class"),
        ({"pretrained_model_name_or_path": "evil/repo"}, "unet: must be a pair of library and class"),
        ("evil/repo", "unet: must be a pair of library and class"),
        (["transformers", "CLIPTextModel"], "unet: transformers.CLIPTextModel is not an allowed class"),
        ([None, None], "names no unet"),
    ],
    ids=str,
)
def test_a_component_that_is_not_allowed(tmp_path: Path, pair: Any, detail: str):
    assert refusal(make_folder(tmp_path, {"model_index.json": INDEX | {"unet": pair}})) == {"model_index.json": detail}


@pytest.mark.parametrize("component", ["scheduler", "text_encoder", "tokenizer", "unet", "vae"])
def test_a_component_that_the_index_leaves_out(tmp_path: Path, component: str):
    index = {name: value for name, value in INDEX.items() if name != component}
    assert refusal(make_folder(tmp_path, {"model_index.json": index})) == {"model_index.json": f"names no {component}"}


@pytest.mark.parametrize("component", ["scheduler", "text_encoder", "tokenizer", "unet", "vae"])
def test_a_component_without_its_folder(tmp_path: Path, component: str):
    folder = make_folder(tmp_path)
    for file in (folder / component).iterdir():
        file.unlink()
    assert refusal(folder) == {f"{component}/": "is missing; model_index.json names it"}


def test_a_component_without_its_weights(tmp_path: Path):
    folder = make_folder(tmp_path, {"unet/diffusion_pytorch_model.safetensors": None})
    assert refusal(folder) == {"unet/": "holds a configuration but no weights (.safetensors)"}


def test_a_folder_outside_cannot_be_a_component(tmp_path: Path):
    index = INDEX | {"../unet": ["diffusers", "UNet2DConditionModel"]}
    assert "../unet/" in refusal(make_folder(tmp_path, {"model_index.json": index}))


def test_several_faults_are_named_at_once(tmp_path: Path):
    index = INDEX | {"unet": ["evil", "X"], "vae": ["evil", "Y"], "extra": ["diffusers", "AutoencoderKL"]}
    with pytest.raises(FolderRefused) as refused:
        check_folder(make_folder(tmp_path, {"model_index.json": index}))
    assert [(error.field, error.detail) for error in refused.value.errors] == [
        ("model_index.json", "unet: evil.X is not an allowed class"),
        ("model_index.json", "vae: evil.Y is not an allowed class"),
        ("extra/", "is missing; model_index.json names it"),
    ]


@pytest.mark.parametrize("path", sorted(TEXTS))
@pytest.mark.parametrize("key", ["auto_map", "custom_pipelines", "trust_remote_code"])
def test_code_references_are_refused_in_any_file(tmp_path: Path, path: str, key: str):
    for number, nested in enumerate([{key: {}}, {"a": {"b": [{"c": {key: "x"}}]}}, {"a": [[[{key: None}]]]}]):
        folder = make_folder(tmp_path / str(number), {path: TEXTS[path] | nested})
        assert refusal(folder) == {path: f"asks for code to be run ({key}); remove that"}


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff", b"[" * 100_000, b'{"a": ' + b"9" * 5_000 + b"}", b"nul"], ids=lambda c: repr(c[:12])
)
@pytest.mark.parametrize("path", ["model_index.json", "unet/config.json", "tokenizer/special_tokens_map.json"])
def test_invalid_json_is_refused(tmp_path: Path, path: str, content: bytes):
    details = refusal(make_folder(tmp_path, {path: content}))
    assert list(details) == [path]
    assert details[path].startswith("is not JSON: ")


@pytest.mark.parametrize("content", [b"[]", b"null", b'"x"', b"5"])
def test_json_that_is_not_an_object_is_refused(tmp_path: Path, content: bytes):
    assert refusal(make_folder(tmp_path, {"vae/config.json": content})) == {"vae/config.json": "must be a JSON object"}


def test_no_index(tmp_path: Path):
    assert refusal(make_folder(tmp_path, {"model_index.json": None})) == {
        "model_index.json": "is missing; save the pipeline, or the model alone, with save_pretrained()"
    }


def test_no_folder_and_an_empty_one(tmp_path: Path):
    assert refusal(tmp_path / "nowhere") == {str(tmp_path / "nowhere"): "is not a folder"}
    assert refusal(tmp_path) == {".": "holds no weights (.safetensors)"}


def test_damaged_weights_are_named(tmp_path: Path):
    folder = make_folder(tmp_path, {"vae/diffusion_pytorch_model.safetensors": weights() + b"x"})
    assert refusal(folder) == {
        "vae/diffusion_pytorch_model.safetensors": (
            "is damaged: its tensors do not fill the file (was the copy cut short?)"
        )
    }


INDEX_OF_SHARDS = "unet/diffusion_pytorch_model.safetensors.index.json"


@pytest.mark.parametrize(
    "weight_map",
    [
        {"a": "../vae/diffusion_pytorch_model.safetensors"},
        {"a": "/etc/passwd"},
        {"a": "diffusion_pytorch_model-00001-of-00002.safetensors"},
        {"a": 5},
        {"a": None},
        [],
        None,
        "x",
    ],
    ids=str,
)
def test_an_index_of_shards_names_files_beside_it_only(tmp_path: Path, weight_map: Any):
    assert refusal(make_folder(tmp_path, {INDEX_OF_SHARDS: {"weight_map": weight_map}})) == {
        INDEX_OF_SHARDS: "weight_map must name .safetensors files that lie beside it"
    }


def test_an_index_of_shards_is_taken(tmp_path: Path):
    index = {"metadata": {"total_size": 16}, "weight_map": {"weight": "diffusion_pytorch_model.safetensors"}}
    assert INDEX_OF_SHARDS in check_folder(make_folder(tmp_path, {INDEX_OF_SHARDS: index})).files


@pytest.mark.parametrize(
    ("path", "config", "detail"),
    [
        ("unet/config.json", {}, "sample_size must be a whole number from 1 to 256"),
        ("unet/config.json", {"sample_size": 0}, "sample_size must be a whole number from 1 to 256"),
        ("unet/config.json", {"sample_size": 257}, "sample_size must be a whole number from 1 to 256"),
        ("unet/config.json", {"sample_size": True}, "sample_size must be a whole number from 1 to 256"),
        ("unet/config.json", {"sample_size": [64, 64]}, "sample_size must be a whole number from 1 to 256"),
        ("vae/config.json", {}, "the autoencoder's block_out_channels are missing"),
        ("vae/config.json", {"block_out_channels": []}, "the autoencoder's block_out_channels are missing"),
        ("vae/config.json", {"block_out_channels": 4}, "the autoencoder's block_out_channels are missing"),
    ],
    ids=str,
)
def test_sizes_that_no_call_could_have(tmp_path: Path, path: str, config: Any, detail: str):
    assert refusal(make_folder(tmp_path, {path: config})) == {path: detail}


@pytest.mark.parametrize(("sample", "blocks", "side"), [(17, 1, 17), (3, 2, 6), (256, 5, 4096), (256, 8, 32768)])
def test_pictures_of_a_size_that_cannot_be_asked_for(tmp_path: Path, sample: int, blocks: int, side: int):
    changes = {
        "unet/config.json": {"sample_size": sample},
        "vae/config.json": {"block_out_channels": [8] * blocks},
    }
    assert refusal(make_folder(tmp_path, changes)) == {
        "unet/config.json": (
            f"with the autoencoder it makes pictures of {side} pixels; up to 2048 in steps of 8 are possible"
        )
    }


@pytest.mark.parametrize(("sample", "blocks", "side"), [(8, 1, 8), (1, 4, 8), (256, 4, 2048), (64, 4, 512)])
def test_the_default_of_a_call_lies_within_its_limits(tmp_path: Path, sample: int, blocks: int, side: int):
    changes = {
        "unet/config.json": {"sample_size": sample},
        "vae/config.json": {"block_out_channels": [8] * blocks},
    }
    schema = check_folder(make_folder(tmp_path, changes)).input_schema
    width = schema["properties"]["width"]
    assert width["default"] == side
    assert width == schema["properties"]["height"] | {"title": "Width"} | {"x-order": width["x-order"]}
    InputCheck.compile(schema).apply({"prompt": "x", "width": side, "height": side})
