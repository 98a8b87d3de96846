"""The models on the device: budget, order of eviction, races."""

import json
import struct
import threading

import pytest

from inference.runtime.adapters import UnknownTask, register
from inference.runtime.loading import FolderInvalid, expected_bytes
from inference.runtime.residency import ModelTooLarge, ResidentModels

MODELS = {"task": "sleep", "pipeline_class": "SleepPipeline"}


@register
class Sleeper:
    """A model without an accelerator, as large as a file in its folder says."""

    task = "sleep"
    pipeline_classes = frozenset({"SleepPipeline"})
    loads = []

    def __init__(self, size):
        self.size, self.closed = size, False

    @classmethod
    def load(cls, folder, device):
        cls.loads.append(folder.name)
        return cls(int((folder / "size").read_text()))

    def run(self, jobs):
        return [[] for _ in jobs]

    def weight_bytes(self):
        return self.size

    def close(self):
        self.closed = True


def safetensors(path, dtype, shape, size):
    header = json.dumps(
        {"__metadata__": {"format": "pt"}, "w": {"dtype": dtype, "shape": shape, "data_offsets": [0, size]}}
    )
    path.write_bytes(struct.pack("<Q", len(header)) + header.encode() + bytes(size))


@pytest.fixture
def folder(tmp_path):
    def make(name, size, measured=None):
        path = tmp_path / name
        path.mkdir()
        safetensors(path / "model.safetensors", "F16", [size // 4], size // 2)
        (path / "size").write_text(str(measured or size))
        return path

    Sleeper.loads.clear()
    return make


def test_half_precision_on_disk_counts_double_and_whole_numbers_once(tmp_path, weights):
    (tmp_path / "unet").mkdir()
    safetensors(tmp_path / "a.safetensors", "BF16", [10, 3], 60)
    safetensors(tmp_path / "unet" / "b.safetensors", "I64", [5], 40)
    assert expected_bytes(tmp_path) == 120 + 40
    assert expected_bytes(weights / "hero") == 24_534_668
    (tmp_path / "c.safetensors").write_bytes(b"PK\x03\x04")
    with pytest.raises(FolderInvalid, match=r"c\.safetensors is not a safetensors file"):
        expected_bytes(tmp_path)


def test_the_least_recently_used_model_is_evicted(folder, device):
    models, evicted = ResidentModels(device, budget_bytes=800), []
    adapters = {name: models.load(name, folder=folder(name, 400), **MODELS) for name in ("a", "b")}
    assert models.get("a") is adapters["a"]  # now "b" is the oldest
    models.load("c", folder=folder("c", 400), on_evict=evicted.append, **MODELS)
    assert evicted == ["b"]
    assert adapters["b"].closed
    assert not adapters["a"].closed
    assert models.versions() == {"a": 400, "c": 400}
    assert models.get("b") is None


def test_a_resident_model_is_not_loaded_again(folder, device):
    models, path = ResidentModels(device, budget_bytes=800), folder("a", 400)
    assert models.load("a", folder=path, **MODELS) is models.load("a", folder=path, **MODELS)
    assert Sleeper.loads == ["a"]


def test_a_number_of_models_can_be_the_limit(folder, device):
    models = ResidentModels(device, budget_bytes=8000, max_models=1)
    for name in ("a", "b"):
        models.load(name, folder=folder(name, 400), **MODELS)
    assert models.versions() == {"b": 400}


def test_a_too_large_model_evicts_nothing_and_names_both_sizes(folder, device):
    models = ResidentModels(device, budget_bytes=1000)
    models.load("a", folder=folder("a", 400), **MODELS)
    with pytest.raises(ModelTooLarge, match=r"b needs 1,200 bytes, and this device has 1,000") as caught:
        models.load("b", folder=folder("b", 1200), **MODELS)
    assert (caught.value.needed_bytes, caught.value.budget_bytes) == (1200, 1000)
    assert models.versions() == {"a": 400}
    assert Sleeper.loads == ["a"]


def test_the_measured_size_counts_if_it_exceeds_the_expected_one(folder, device):
    models = ResidentModels(device, budget_bytes=1000)
    models.load("a", folder=folder("a", 400), **MODELS)
    models.load("b", folder=folder("b", 400, measured=700), **MODELS)
    assert models.versions() == {"b": 700}
    with pytest.raises(ModelTooLarge):
        models.load("c", folder=folder("c", 400, measured=1001), **MODELS)
    assert "c" not in models.versions()


def test_an_unknown_task_is_refused_before_anything_is_evicted(folder, device):
    models = ResidentModels(device, budget_bytes=400)
    models.load("a", folder=folder("a", 400), **MODELS)
    with pytest.raises(UnknownTask):
        models.load("b", task="sleep", pipeline_class="Nightmare", folder=folder("b", 400))
    assert models.versions() == {"a": 400}


def test_evict_unloads_and_ignores_unknown_versions(folder, device):
    models = ResidentModels(device, budget_bytes=400)
    adapter = models.load("a", folder=folder("a", 400), **MODELS)
    models.evict("a")
    models.evict("a")
    assert adapter.closed
    assert models.versions() == {}


def test_a_model_in_use_is_waited_for(folder, device):
    models = ResidentModels(device, budget_bytes=400)
    first = models.load("a", folder=folder("a", 400), **MODELS)
    path, loaded = folder("b", 400), threading.Event()

    def load():
        models.load("b", folder=path, **MODELS)
        loaded.set()

    with models.using("a") as used:
        assert used is first
        thread = threading.Thread(target=load)
        thread.start()
        assert not loaded.wait(0.1)
        assert not first.closed
    assert loaded.wait(10)
    thread.join()
    assert first.closed
    assert models.versions() == {"b": 400}


def test_threads_that_want_the_same_model_load_it_once(folder, device, run_concurrently):
    models, path = ResidentModels(device, budget_bytes=400), folder("a", 400)
    adapters = run_concurrently([lambda: models.load("a", folder=path, **MODELS)] * 8)
    assert len({id(adapter) for adapter in adapters}) == 1
    assert Sleeper.loads == ["a"]


def test_real_models_take_turns(weights, device, watched):
    models = ResidentModels(device, budget_bytes=30_000_000)
    text_to_image = {"task": "text-to-image", "pipeline_class": "StableDiffusionPipeline"}
    for name in ("hero", "workhorse", "hero"):
        adapter = models.load(name, folder=weights / name, **text_to_image)
        [[output]] = adapter.run([watched(num_inference_steps=1).job])
        assert output.width == 128
        assert models.versions() == {name: adapter.weight_bytes()}
    models.evict("hero")
