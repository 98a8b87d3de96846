"""The text-to-image adapter with the hero's real weights."""

import io
import json
import logging
import shutil

import numpy as np
import pytest
from PIL import Image

from inference.runtime.adapters import AdapterClosed, Canceled, JobFailed, TextToImage, UnknownTask, adapter_for
from inference.runtime.adapters.stable_diffusion import encode_all
from inference.runtime.engine import run_batch
from inference.runtime.loading import FolderInvalid
from inference.worker.measured import measured
from providers.tasks import text_to_image


def pixels(output) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(output.data)).convert("RGB")).astype(int)


def test_the_registry_finds_it_by_task_and_pipeline_class():
    assert adapter_for("text-to-image", "StableDiffusionPipeline") is TextToImage
    with pytest.raises(UnknownTask, match="text-to-video with WanPipeline.*text-to-image with StableDiffusionPipeline"):
        adapter_for("text-to-video", "WanPipeline")


def test_a_picture_has_the_format_size_and_colours_that_were_asked_for(hero, watched):
    job = watched(num_inference_steps=4)
    [[output]] = hero.run([job.job])
    assert (output.media_type, output.width, output.height) == ("image/png", 128, 128)
    picture = Image.open(io.BytesIO(output.data))
    assert (picture.format, picture.size, picture.mode, picture.info) == ("PNG", (128, 128), "RGB", {})
    red, green, blue = pixels(output)[2, 2]  # the ground
    assert blue > red + 40
    assert blue > green
    red, green, blue = pixels(output)[64, 64]  # the star
    assert red > blue + 40
    assert job.steps == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_the_same_seed_gives_the_same_bytes_again_and_another_seed_another_picture(hero, watched):
    [[first]], [[again]], [[other]] = (hero.run([watched(seed=seed).job]) for seed in (7, 7, 8))
    assert first == again
    assert first.data != other.data


def test_a_batch_of_different_prompts_changes_no_picture_by_more_than_one_grey_level(hero, watched):
    prompts = [
        "a red star on a blue background",
        "",
        "two green hearts on a white background",
        "a " * 500 + "cyan house",
    ]
    jobs = [
        watched(prompt=prompt, negative_prompt="stripes" if seed == 2 else "", seed=seed).job
        for seed, prompt in enumerate(prompts)
    ]
    batched = hero.run(jobs)
    for job, outputs in zip(jobs, batched, strict=True):
        [[alone]] = hero.run([job])
        assert np.abs(pixels(alone) - pixels(outputs[0])).max() <= 1


def test_several_outputs_of_a_job_are_those_of_the_following_seeds(hero, watched):
    three, neighbour = hero.run([watched(seed=2**64 - 1, num_outputs=3).job, watched(seed=5).job])
    assert len(three) == 3
    assert len(neighbour) == 1
    for seed, output in zip((2**64 - 1, 0, 1), three, strict=True):
        [[alone]] = hero.run([watched(seed=seed).job])
        assert np.abs(pixels(alone) - pixels(output)).max() <= 1


@pytest.mark.parametrize(("width", "height"), [(64, 64), (72, 136), (256, 256)])
def test_other_sizes_than_the_trained_one_work(hero, watched, width, height):
    [[output]] = hero.run([watched(width=width, height=height, num_inference_steps=1).job])
    assert (output.width, output.height) == (width, height)
    assert Image.open(io.BytesIO(output.data)).size == (width, height)


def test_each_job_of_a_batch_chooses_its_format_and_the_bytes_repeat(hero, watched):
    formats = {"png": ("PNG", "image/png"), "webp": ("WEBP", "image/webp"), "jpg": ("JPEG", "image/jpeg")}
    jobs = [watched(output_format=name, num_inference_steps=2).job for name in formats]
    first, again = hero.run(jobs), hero.run(jobs)
    assert first == again
    for [output], (name, media_type) in zip(first, formats.values(), strict=True):
        picture = Image.open(io.BytesIO(output.data))
        assert (picture.format, output.media_type) == (name, media_type)
        assert "exif" not in picture.info


def test_guidance_of_one_leaves_the_negative_prompt_without_effect(hero, watched):
    [[plain]] = hero.run([watched(guidance_scale=1.0).job])
    [[negative]] = hero.run([watched(guidance_scale=1.0, negative_prompt="a red star").job])
    [[guided]] = hero.run([watched(guidance_scale=2.5).job])
    assert plain == negative
    assert plain.data != guided.data


def test_a_canceled_job_of_a_batch_gets_no_outputs_and_its_neighbour_does(hero, watched):
    goes_on, stops, never = watched(seed=1), watched(seed=2, cancel_after=2), watched(seed=3, cancel_after=0)
    ending, canceled, unstarted = hero.run([goes_on.job, stops.job, never.job])
    [[alone]] = hero.run([watched(seed=1).job])
    assert np.abs(pixels(alone) - pixels(ending[0])).max() <= 1
    assert isinstance(canceled, Canceled)
    assert canceled.step == 3
    assert isinstance(unstarted, Canceled)
    assert unstarted.step == 0
    assert goes_on.steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert stops.steps == [(1, 4), (2, 4)]
    assert never.steps == []


def test_once_all_are_canceled_the_rest_of_the_steps_is_not_run(hero, watched):
    jobs = [watched(seed=seed, num_inference_steps=1000, cancel_after=seed) for seed in (1, 2)]
    endings = hero.run([job.job for job in jobs])
    assert [ending.step for ending in endings] == [2, 3]
    [[_]] = hero.run([watched().job])  # the pipeline is usable afterwards


def test_a_failing_report_does_not_fail_the_job(hero, watched, caplog):
    def broken(*_):
        raise ConnectionError("the channel is gone")

    job = watched(num_inference_steps=1).job
    [[output]] = hero.run([type(job)(inputs=job.inputs, on_step=broken, canceled=broken)])
    assert output.width == 128
    assert {record.message for record in caplog.records} == {
        "checking whether a job was canceled failed; the job goes on",
        "reporting a step failed; the job goes on",
    }


def test_jobs_that_cannot_share_a_batch_are_refused(hero, watched):
    with pytest.raises(ValueError, match="the same num_inference_steps"):
        hero.run([watched().job, watched(num_inference_steps=5).job])


def test_overflowed_outputs_fail_the_job(watched):
    ending = encode_all(watched().job, np.full((1, 8, 8, 3), np.nan, np.float32), steps=4)
    assert isinstance(ending, JobFailed)


def test_prompts_do_not_reach_the_log(hero, watched, caplog, capfd):
    with caplog.at_level(logging.DEBUG):
        hero.run([watched(prompt="secretword " * 200, num_inference_steps=1).job])
    captured = capfd.readouterr()
    assert "secretword" not in caplog.text + captured.out + captured.err


def test_a_closed_model_says_so_and_holds_no_weights(weights, device, watched):
    model = TextToImage.load(weights / "workhorse", device)
    assert model.weight_bytes() == 11_048_332
    model.close()
    model.close()
    with pytest.raises(AdapterClosed):
        model.run([watched().job])


def test_forbidden_folders_are_refused(weights, device, tmp_path):
    with pytest.raises(FolderInvalid, match=r"model_index\.json can't be read"):
        TextToImage.load(tmp_path, device)

    folder = tmp_path / "hero"
    shutil.copytree(weights / "hero", folder)
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps({**index, "unet": ["unet_code", "Backdoor"]}))
    with pytest.raises(FolderInvalid, match="Component unet comes from unet_code"):
        TextToImage.load(folder, device)

    (folder / "model_index.json").write_text(json.dumps({**index, "_class_name": "AudioLDMPipeline"}))
    with pytest.raises(FolderInvalid, match="AudioLDMPipeline makes no pictures"):
        TextToImage.load(folder, device)

    (folder / "model_index.json").write_text(json.dumps(index))
    (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(OSError, match="diffusion_pytorch_model"):
        TextToImage.load(folder, device)


def test_a_run_delivers_what_its_call_was_rated_by(hero, watched):
    job = watched(num_outputs=2, width=96, height=64, num_inference_steps=3)
    [result] = run_batch(hero, [job.job])
    rated = text_to_image.TextToImage().quantities(job.inputs, {})
    found = measured(result)
    assert {unit: found[unit] for unit in rated} == rated
