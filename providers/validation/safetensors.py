"""Checks that a .safetensors file is complete and consistent. Only its header is read.

Format: 8 bytes little-endian length of the header, the header as JSON, then the tensors' bytes
(https://github.com/huggingface/safetensors#format).
"""

import json
from typing import Any

from providers.validation.source import Source

MAX_HEADER_BYTES = 100_000_000  # the format's own limit
MAX_INTEGER = 2**63 - 1
DTYPE_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8,
    "I16": 16, "U16": 16, "F16": 16, "BF16": 16,
    "I32": 32, "U32": 32, "F32": 32,
    "I64": 64, "U64": 64, "F64": 64,
}  # fmt: skip


class DamagedWeights(ValueError):
    """The file is not a safetensors file whose tensors fill it exactly."""


def check_safetensors(file: Source) -> int:
    """The number of parameters in the file.

    Raises:
        DamagedWeights: a bad header, an unknown dtype, or tensors that overlap, leave gaps or exceed the file.
    """
    size = file.size
    with file.open() as stream:
        length = int.from_bytes(stream.read(8), "little")
        if size < 8 or not 2 <= length <= min(MAX_HEADER_BYTES, size - 8):
            raise DamagedWeights("is no safetensors file: its header's length is impossible")
        try:
            text = stream.read(length).decode()
            header = json.loads(text, object_pairs_hook=_reject_duplicate_names)
        except (ValueError, RecursionError):  # ValueError: not UTF-8, not JSON, a number of thousands of digits
            raise DamagedWeights("is no safetensors file: its header is not JSON") from None
    if not isinstance(header, dict) or not text.startswith("{"):
        raise DamagedWeights("is no safetensors file: its header is not an object")
    metadata = header.pop("__metadata__", None)
    if metadata is not None and not (
        isinstance(metadata, dict) and all(isinstance(value, str) for value in metadata.values())
    ):
        raise DamagedWeights("is damaged: the __metadata__ of its header must be texts by name")
    spans, parameters = [], 0
    for name, tensor in header.items():
        begin, end, count = _span(name, tensor)
        spans.append((begin, end))
        parameters += count
    position = 0
    for begin, end in sorted(spans):
        if begin != position:
            raise DamagedWeights("is damaged: its tensors overlap or leave holes")
        position = end
    if position != size - 8 - length:
        raise DamagedWeights("is damaged: its tensors do not fill the file (was the copy cut short?)")
    return parameters


def _reject_duplicate_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that occurs twice: JSON parsers differ in which of the two counts."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise DamagedWeights("is damaged: its header has a name twice")
    return found


def _span(name: str, tensor: Any) -> tuple[int, int, int]:
    """Begin, end and number of elements of one tensor in the header."""
    try:
        bits, shape, (begin, end) = DTYPE_BITS[tensor["dtype"]], tensor["shape"], tensor["data_offsets"]
    except (KeyError, TypeError, ValueError):
        raise DamagedWeights(f"is damaged: tensor {name[:80]!r} has no known dtype, shape or place") from None
    if not isinstance(shape, list) or not all(type(number) is int and number >= 0 for number in [*shape, begin, end]):
        raise DamagedWeights(f"is damaged: tensor {name[:80]!r} has an impossible shape or place")
    count = 1
    for number in shape:
        count *= number
        if count > MAX_INTEGER:
            raise DamagedWeights(f"is damaged: tensor {name[:80]!r} has an impossible shape or place")
    if (end - begin) * 8 != count * bits:
        raise DamagedWeights(f"is damaged: tensor {name[:80]!r} has not the size that its shape says")
    return begin, end, count
