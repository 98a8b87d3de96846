"""Loads a folder of weights as a pipeline on a device: offline, safetensors only, and never code from the folder.

`from_pretrained` builds each component on the meta device and fills it tensor by tensor, which takes 0.06 s for the
demo models once the libraries are warm. It also maps the older tensor names that published weights use.
"""

import json
import logging
import struct
import time
from collections.abc import Iterable, Iterator, Mapping
from math import prod
from pathlib import Path
from typing import Any

import torch
from diffusers.utils import logging as diffusers_logging
from transformers.utils import logging as transformers_logging

from inference.runtime.device import Device

log = logging.getLogger(__name__)

INDEX = "model_index.json"
CONFIG = "config.json"
TRUSTED_LIBRARIES = frozenset({"diffusers", "transformers"})
FLOATS = frozenset({"F64", "F32", "F16", "BF16"})
# Bits, because a format may have elements of less than a byte.
ELEMENT_BITS = {"F64": 64, "I64": 64, "U64": 64, "F32": 32, "I32": 32, "U32": 32, "F16": 16, "BF16": 16, "I16": 16}
MAX_HEADER_BYTES = 100_000_000  # bytes; the format's own limit

# The dtype of all computation, on every device. With half precision the same seed alone and in a batch differs by
# several grey levels; in single precision by one at most. Weights on disk may be in half precision: widening them is
# exact.
DTYPE = torch.float32

diffusers_logging.disable_progress_bar()
transformers_logging.disable_progress_bar()


class FolderInvalid(Exception):
    """The folder is not a pipeline or a model that may be loaded."""


def load_pipeline(pipeline: Any, folder: Path, device: Device) -> Any:
    """Load `folder` as `pipeline`, a diffusers class, onto `device`, in single precision and ready to run.

    Raises:
        FolderInvalid: the index is missing, or names a component outside diffusers and transformers.
        OSError: a component's file is missing.
    """
    started = time.perf_counter()
    refuse_foreign_code(read_index(folder))
    # Without an explicit dtype a half-precision folder gives components of different dtypes.
    loaded = pipeline.from_pretrained(str(folder), dtype=DTYPE, local_files_only=True, use_safetensors=True)
    loaded.set_progress_bar_config(disable=True)
    loaded.to(device.torch_device)
    log.info("loaded %s as %s in %.3f s", folder.name, pipeline.__name__, time.perf_counter() - started)
    return loaded


def load_model(model: Any, folder: Path, device: Device) -> Any:
    """Load a folder that holds a single model as `model`, a class of diffusers or transformers, onto `device`.

    Raises:
        FolderInvalid: the configuration is missing, asks for code of its own, or is of another class.
        OSError: the weights are missing.
    """
    started = time.perf_counter()
    config = read_object(folder / CONFIG)
    named = config.get("_class_name") or (config.get("architectures") or [None])[0]
    if named != model.__name__:
        raise FolderInvalid(f"{folder / CONFIG} is of class {named}; this task runs {model.__name__}.")
    if "auto_map" in config:
        raise FolderInvalid(f"{folder / CONFIG} asks for code of its own, which never runs here; remove auto_map.")
    name = "torch_dtype" if model.__module__.startswith("diffusers.") else "dtype"
    loaded = model.from_pretrained(str(folder), local_files_only=True, use_safetensors=True, **{name: DTYPE})
    loaded.eval().requires_grad_(False).to(device.torch_device)
    log.info("loaded %s as %s in %.3f s", folder.name, model.__name__, time.perf_counter() - started)
    return loaded


def read_index(folder: Path) -> Mapping[str, Any]:
    """The folder's `model_index.json`. Raises FolderInvalid, as `read_object`."""
    return read_object(folder / INDEX)


def read_object(file: Path) -> Mapping[str, Any]:
    """A JSON object of the folder.

    Raises:
        FolderInvalid: it is missing or is not a JSON object.
    """
    try:
        value = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise FolderInvalid(f"{file} can't be read: {error}. Name a folder that save_pretrained wrote.") from None
    if not isinstance(value, dict):
        raise FolderInvalid(f"{file} is not a JSON object. Name a folder that save_pretrained wrote.")
    return value


def refuse_foreign_code(index: Mapping[str, Any]) -> None:
    """Accept only components of diffusers and transformers; others would need code from the folder.

    Raises:
        FolderInvalid: another library is named.
    """
    for name, component in index.items():
        if not name.startswith("_") and isinstance(component, list):
            library = component[0] if component else None
            if library is not None and library not in TRUSTED_LIBRARIES:
                raise FolderInvalid(
                    f"Component {name} comes from {library}, which never runs here; use diffusers or transformers."
                )


def module_bytes(parts: Iterable[Any]) -> int:
    """Bytes of all parameters and buffers of the parts that are modules; shared tensors count once."""
    tensors = {
        (tensor.data_ptr(), tensor.numel()): tensor.numel() * tensor.element_size()
        for module in parts
        if isinstance(module, torch.nn.Module)
        for tensor in (*module.parameters(), *module.buffers())
    }
    return sum(tensors.values())


def expected_bytes(folder: Path) -> int:
    """Bytes that the folder's weights will take once loaded, from the headers of its safetensors files alone.

    Raises:
        FolderInvalid: a file is not safetensors.
    """
    return sum(
        prod(tensor["shape"])
        * (_bits(DTYPE) if tensor["dtype"] in FLOATS else ELEMENT_BITS.get(tensor["dtype"], 8))
        // 8
        for path in folder.rglob("*.safetensors")
        for tensor in _tensors(path)
    )


def _bits(dtype: torch.dtype) -> int:
    return dtype.itemsize * 8


def _tensors(path: Path) -> Iterator[Mapping[str, Any]]:
    """The header's entry of each tensor: its dtype and shape."""
    with path.open("rb") as file:
        prefix = file.read(8)
        length = struct.unpack("<Q", prefix)[0] if len(prefix) == 8 else 0
        if not 0 < length <= MAX_HEADER_BYTES:
            raise FolderInvalid(f"{path.name} is not a safetensors file. Fetch it again.")
        try:
            header = json.loads(file.read(length))
        except ValueError:
            raise FolderInvalid(f"{path.name} has a damaged safetensors header. Fetch it again.") from None
    return (entry for name, entry in header.items() if name != "__metadata__")
