"""The adapters that take a picture, each with a small real model of random weights."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from inference.runtime.adapters import AdapterClosed, Canceled, Job, JobFailed, Value, adapter_for
from inference.runtime.adapters.pictures import decode
from inference.runtime.engine import run_batch
from inference.runtime.loading import FolderInvalid
from inference.worker.measured import measured
from providers.tasks.image_to_image import ImageToImage
from providers.tasks.matting import Matting
from providers.tasks.scoring import Scoring
from providers.tasks.super_resolution import MAX_RESULT_SIDE, SuperResolution
from tests.support.single_models import SAVERS

CLASSES = {
    "image-to-image": "StableDiffusionImg2ImgPipeline",
    "matting": "UNet2DModel",
    "super-resolution": "Swin2SRForImageSuperResolution",
    "scoring": "CLIPModel",
}
INPUTS = {
    "prompt": "a star",
    "negative_prompt": "",
    "num_inference_steps": 4,
    "guidance_scale": 2.0,
    "strength": 0.75,
    "seed": 7,
    "num_outputs": 1,
    "output_format": "png",
}


def png(width: int = 64, height: int = 72, *, seed: int = 0) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def job(data: bytes, *, steps: list[Any] | None = None, canceled: bool = False, **inputs: Any) -> Job:
    reports = [] if steps is None else steps
    return Job(
        inputs=INPUTS | inputs,
        on_step=lambda step, of: reports.append((step, of)),
        canceled=lambda: canceled,
        files={"image": data},
    )


def pixels(output: Any, mode: str = "RGB") -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(output.data)).convert(mode)).astype(int)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, device: Any) -> Iterator[Callable[[str], Any]]:
    loaded: dict[str, Any] = {}

    def model(task: str) -> Any:
        if task not in loaded:
            folder = SAVERS[task](tmp_path_factory.mktemp(task) / "model")
            loaded[task] = adapter_for(task, CLASSES[task]).load(folder, device)
        return loaded[task]

    yield model
    for one in loaded.values():
        one.close()


@pytest.mark.parametrize("size", [(64, 72), (33, 47), (16, 130), (1, 1)])
def test_matting_keeps_the_picture_and_its_size_and_adds_alpha(models: Any, size: tuple[int, int]):
    data = png(*size)
    [[output]] = models("matting").run([job(data)])
    assert (output.media_type, output.width, output.height) == ("image/png", *size)
    picture = Image.open(io.BytesIO(output.data))
    assert (picture.mode, picture.size, picture.info) == ("RGBA", size, {})
    cut, given = pixels(output, "RGBA"), np.asarray(Image.open(io.BytesIO(data))).astype(int)
    assert (cut[..., :3] == given).all()


def test_alpha_is_the_sigmoid_of_the_networks_logits(models: Any):
    model = models("matting")
    [[output]] = model.run([job(png(32, 32))])
    batch = torch.from_numpy(np.asarray(Image.open(io.BytesIO(png(32, 32)))).copy()).permute(2, 0, 1)[None]
    with torch.inference_mode():
        logits = model._model(batch.float() / 127.5 - 1, 0).sample[0, 0]
    assert np.abs(pixels(output, "RGBA")[..., 3] - (torch.sigmoid(logits) * 255).round().numpy()).max() <= 1


@pytest.mark.parametrize("size", [(64, 72), (33, 47), (4, 5)])
def test_super_resolution_multiplies_the_size(models: Any, size: tuple[int, int]):
    [[output]] = models("super-resolution").run([job(png(*size), output_format="webp")])
    assert (output.media_type, output.width, output.height) == ("image/webp", 2 * size[0], 2 * size[1])
    assert Image.open(io.BytesIO(output.data)).size == (2 * size[0], 2 * size[1])


def test_scoring_answers_with_the_cosine_of_the_librarys_own_embeddings(models: Any):
    model = models("scoring")
    data = png(40, 50)
    [ending] = model.run([job(data, prompt="a red star")])
    assert isinstance(ending, Value)
    tokens = model._tokenizer(["a red star"], return_tensors="pt")
    values = model._processor(images=decode(data), return_tensors="pt")
    with torch.inference_mode():
        both = model._model(**tokens, **values)
    expected = torch.nn.functional.cosine_similarity(both.image_embeds, both.text_embeds).item()
    assert ending.data == {"score": pytest.approx(expected, abs=2e-6)}
    assert -1 <= ending.data["score"] <= 1
    [[other], [long]] = [model.run([job(data, prompt=prompt)]) for prompt in ("a moon", "a star " * 200)]
    assert len({ending.data["score"], other.data["score"], long.data["score"]}) == 3


def test_image_to_image_starts_from_the_picture(models: Any):
    model = models("image-to-image")
    steps: list[Any] = []
    [[first]] = model.run([job(png(72, 64), steps=steps, num_inference_steps=8, strength=0.5)])
    assert (first.width, first.height, steps) == (72, 64, [(step, 4) for step in range(1, 5)])
    [[again]], [[other]] = (model.run([job(png(72, 64, seed=s), num_inference_steps=8, strength=0.5)]) for s in (0, 1))
    assert first == again
    assert first.data != other.data
    [[seeded]] = model.run([job(png(72, 64), num_inference_steps=8, strength=0.5, seed=8)])
    assert first.data != seeded.data


@pytest.mark.parametrize(("size", "expected"), [((71, 65), (64, 64)), ((64, 64), (64, 64)), ((79, 80), (72, 80))])
def test_image_to_image_cuts_to_whole_blocks(models: Any, size: tuple[int, int], expected: tuple[int, int]):
    [[output]] = models("image-to-image").run([job(png(*size), num_inference_steps=1)])
    assert (output.width, output.height) == expected


@pytest.mark.parametrize(("steps", "strength"), [(1, 0.05), (1, 1), (3, 0.05), (50, 0.05), (7, 1 / 7), (49, 1 / 49)])
def test_the_least_strength_runs_a_step(models: Any, steps: int, strength: float):
    reports: list[Any] = []
    [[_]] = models("image-to-image").run(
        [job(png(64, 64), steps=reports, num_inference_steps=steps, strength=strength, guidance_scale=1.0)]
    )
    assert 1 <= len(reports) <= max(1, steps * strength)


@pytest.mark.parametrize("task", sorted(SAVERS))
def test_alone_and_in_a_batch_the_result_is_the_same(models: Any, task: str):
    model = models(task)
    jobs = [job(png(64, 64, seed=seed), seed=seed, prompt="ab " * (seed + 1)) for seed in range(4)]
    for one, ending in zip(jobs, model.run(jobs), strict=True):
        [alone] = model.run([one])
        if task == "scoring":
            assert alone.data["score"] == pytest.approx(ending.data["score"], abs=1e-5)
        else:
            assert np.abs(pixels(alone[0], "RGBA") - pixels(ending[0], "RGBA")).max() <= 1


@pytest.mark.parametrize("task", sorted(SAVERS))
def test_a_picture_that_cannot_be_read_fails_alone(models: Any, task: str):
    broken = png(64, 64)[:200]
    good, bad = run_batch(models(task), [job(png(64, 64)), job(broken)])
    assert (good.error, bool(good.outputs or good.value)) == (None, True)
    assert (bad.error, bad.outputs, bad.value) == (
        "The picture cannot be read. Save it anew as PNG, JPEG or WebP.",
        (),
        None,
    )


@pytest.mark.parametrize("task", sorted(SAVERS))
def test_a_canceled_job_gets_nothing_and_its_neighbour_does(models: Any, task: str):
    steps: list[Any] = []
    canceled, done = models(task).run([job(png(64, 64), canceled=True), job(png(64, 64), steps=steps)])
    assert isinstance(canceled, Canceled)
    assert canceled.step == 0
    assert isinstance(done, Value | list)
    assert steps[-1][0] == steps[-1][1]
    [nobody] = models(task).run([job(png(64, 64), canceled=True)])
    assert isinstance(nobody, Canceled)


@pytest.mark.parametrize("task", sorted(SAVERS))
def test_a_closed_model_says_so(tmp_path: Path, device: Any, task: str):
    model = adapter_for(task, CLASSES[task]).load(SAVERS[task](tmp_path / "model"), device)
    assert model.weight_bytes() > 0
    model.close()
    model.close()
    with pytest.raises(AdapterClosed):
        model.run([job(png())])


def test_pictures_of_different_size_do_not_share_a_pipeline_call(models: Any):
    with pytest.raises(ValueError, match="the same size"):
        models("image-to-image").run([job(png(64, 64)), job(png(72, 64))])
    small, large = models("matting").run([job(png(64, 64)), job(png(72, 64))])
    assert (small[0].width, large[0].width) == (64, 72)


def test_nan_outputs_fail_the_job(tmp_path: Path, device: Any):
    model = adapter_for("matting", "UNet2DModel").load(SAVERS["matting"](tmp_path / "model"), device)
    with torch.no_grad():
        model._model.conv_out.bias.fill_(float("nan"))
    [ending] = model.run([job(png())])
    assert isinstance(ending, JobFailed)


def test_a_folder_of_another_class_or_with_code_of_its_own_is_refused(tmp_path: Path, device: Any):
    folder = SAVERS["matting"](tmp_path / "matting")
    with pytest.raises(FolderInvalid, match="is of class UNet2DModel; this task runs CLIPModel"):
        adapter_for("scoring", "CLIPModel").load(folder, device)
    config = folder / "config.json"
    config.write_text(config.read_text().replace("{", '{"auto_map": {"AutoModel": "evil.Model"},', 1))
    with pytest.raises(FolderInvalid, match="asks for code of its own"):
        adapter_for("matting", "UNet2DModel").load(folder, device)
    with pytest.raises(FolderInvalid, match="can't be read"):
        adapter_for("matting", "UNet2DModel").load(tmp_path / "nothing", device)


def test_sixteen_bits_of_grey_are_scaled():
    file = io.BytesIO()
    Image.fromarray(np.array([[0, 32_768, 65_535]], np.uint16)).save(file, "PNG")
    assert [decode(file.getvalue()).getpixel((x, 0)) for x in range(3)] == [(0,) * 3, (128,) * 3, (255,) * 3]


def test_pictures_are_read_upright_and_without_transparency():
    picture = Image.new("RGBA", (2, 1), (255, 0, 0, 0))
    picture.putpixel((1, 0), (0, 0, 255, 255))
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated by 90 degrees
    picture.save(file, "PNG", exif=exif)
    read = decode(file.getvalue())
    assert (read.mode, read.size) == ("RGB", (1, 2))
    assert [read.getpixel((0, y)) for y in (0, 1)] == [(255, 255, 255), (0, 0, 255)]


ASKED = [
    ({"num_outputs": 2, "strength": 0.75}, (64, 72)),
    ({"num_outputs": 1, "strength": 0.05}, (70, 75)),
    ({"num_outputs": 1, "strength": 1.0, "num_inference_steps": 3}, (65, 66)),
]


@pytest.mark.parametrize("task", [ImageToImage(), Matting(), SuperResolution(), Scoring()], ids=lambda task: task.name)
@pytest.mark.parametrize(("asked", "size"), ASKED)
def test_a_run_delivers_what_its_call_was_rated_by(
    models: Any, task: Any, asked: dict[str, Any], size: tuple[int, int]
):
    given = INPUTS | asked
    [result] = run_batch(models(task.name), [job(png(*size), **asked)])
    assert result.error is None
    schema = {"properties": {"image": {"x-max-side": MAX_RESULT_SIDE // 2}}}
    rated = task.quantities(given | {"image": {"width": size[0], "height": size[1]}}, schema)
    found = measured(result)
    assert {unit: found[unit] for unit in rated} == rated
