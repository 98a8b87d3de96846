"""The folder that is published for a demo model: one of `WEIGHTS`, or its files under another pipeline class."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from marketplace.demo.market import WEIGHTS, DemoModel

INDEX, CARD = "model_index.json", "README.md"


@contextmanager
def folder_of(model: DemoModel) -> Iterator[Path]:
    """The folder to publish. If the model changes class or card, it is a temporary copy."""
    own = WEIGHTS / model.folder
    if model.pipeline_class is None and model.card is None:
        yield own
        return
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / model.folder
        shutil.copytree(own, copy)
        if model.pipeline_class:
            index = json.loads((copy / INDEX).read_text())
            (copy / INDEX).write_text(json.dumps({**index, "_class_name": model.pipeline_class}, indent=2) + "\n")
        if model.card:
            shutil.copyfile(WEIGHTS / model.card, copy / CARD)
        yield copy
