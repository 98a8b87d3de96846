"""How well a picture shows a prompt: the cosine between the two embeddings of a CLIP model of transformers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch.nn import functional
from transformers import CLIPImageProcessorPil, CLIPModel, CLIPTokenizer

from inference.runtime.adapters.base import Ending, Job, Value
from inference.runtime.adapters.pictures import batches_by_size, decode_each
from inference.runtime.adapters.registry import register
from inference.runtime.adapters.single_pass import SinglePass, is_finite, overflow

DIGITS = 6  # decimals of the score; further ones are noise of single precision


@register
class Scoring(SinglePass):
    """One scorer on a device. It answers with a value, `{"score": …}` from -1 to 1."""

    task: ClassVar[str] = "scoring"
    pipeline_classes: ClassVar[frozenset[str]] = frozenset({"CLIPModel"})
    model_class: ClassVar[Any] = CLIPModel

    def prepare(self, folder: Path) -> None:
        """Load the tokenizer and the image processor."""
        # The Pillow variant: its output does not depend on whether torchvision is installed.
        self._processor = CLIPImageProcessorPil.from_pretrained(str(folder), local_files_only=True)
        self._tokenizer = CLIPTokenizer.from_pretrained(str(folder), local_files_only=True)

    def answer(self, model: Any, jobs: Sequence[Job]) -> list[Ending]:
        """The score of each picture with its prompt."""
        pictures, endings = decode_each(jobs, self._pixels)
        for positions, stacked in batches_by_size(pictures):
            scores = self._scores(model, stacked, [jobs[position].inputs["prompt"] for position in positions])
            for position, score in zip(positions, scores, strict=True):
                endings[position] = Value({"score": round(float(score), DIGITS)}) if is_finite(score) else overflow()
        return [endings[position] for position in range(len(jobs))]

    def _pixels(self, picture: Image.Image) -> npt.NDArray[np.float32]:
        """Shape (3, size, size), preprocessed as in training."""
        prepared: npt.NDArray[np.float32] = self._processor(images=picture, return_tensors="np")["pixel_values"][0]
        return prepared

    def _scores(self, model: Any, pictures: npt.NDArray[np.float32], prompts: list[str]) -> torch.Tensor:
        """Shape (batch,), on the CPU."""
        # Always padded to the maximum length, so that a prompt's embedding does not depend on the rest of the batch.
        tokens = self._tokenizer(
            prompts,
            padding="max_length",
            truncation=True,
            max_length=model.config.text_config.max_position_embeddings,
            return_tensors="pt",
        ).to(self.device.torch_device)
        of_pictures = model.get_image_features(
            pixel_values=torch.from_numpy(pictures).to(self.device.torch_device)
        ).pooler_output
        of_texts = model.get_text_features(
            input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]
        ).pooler_output
        return functional.cosine_similarity(of_pictures, of_texts).cpu()
