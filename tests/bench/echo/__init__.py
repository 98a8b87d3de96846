"""The echo task: it returns its input at once, so that only Bourse's overhead is measured.

The market's processes import this module because `EXTRA_TASKS` names it; nodes import its `adapter` as well.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from billing.pricing.domain import Unit
from providers import tasks
from providers.tasks.base import FILES, Components, Inputs, Quantities, Schema, SingleModel
from providers.tasks.samples import Sample

PIPELINE = "EchoPipeline"


class Echo:
    name = "echo"
    title = "Echo"
    units: tuple[Unit, ...] = (Unit.IMAGE, Unit.REQUEST)  # one answer is one image
    allowed_classes: Mapping[str, frozenset[tuple[str, str]]] = {PIPELINE: frozenset()}
    single_models: Mapping[str, SingleModel] = {}
    output_schema = FILES

    def input_schema(self, components: Components) -> Schema:
        text = {"type": "string", "title": "Text", "maxLength": 2_000, "x-order": 0}
        return {
            "type": "object",
            "title": "Input",
            "properties": {"text": text},
            "required": ["text"],
            "additionalProperties": False,
        }

    def trials(self, schema: Schema, widget: Sequence[Mapping[str, Any]], samples: Sequence[Sample]) -> list[Inputs]:
        return [{"text": "echo"}]

    def complete(self, inputs: Inputs) -> Inputs:
        return inputs

    def quantities(self, inputs: Inputs, schema: Mapping[str, Any]) -> Quantities:
        return {Unit.IMAGE: 1, Unit.REQUEST: 1}

    def batch_key(self, inputs: Inputs) -> str:
        return ""


def write_model(folder: Path) -> None:
    """Write the smallest folder that the publishing checks accept for this task."""
    folder.mkdir(parents=True)
    (folder / "model_index.json").write_text(json.dumps({"_class_name": PIPELINE}))
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\nAnswers with its input, at once.\n")
    header = json.dumps({"weight": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))


tasks.register(Echo())
