"""The scorer: a stock CLIPModel that measures how well a picture and a caption agree."""

import dataclasses
import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer
from transformers.models.clip import CLIPImageProcessorPil

from marketplace.demo.recipe.attributes import CLASSES, labels
from marketplace.demo.recipe.domain import COLORS, FINISHES, GROUNDS, OUTLINES, PATTERNS, SHAPES, Icon, caption
from marketplace.demo.recipe.loop import StepRandom, fast_math
from marketplace.demo.recipe.pictures import Pictures, as_planes
from marketplace.demo.recipe.render import NATIVE, Pixels
from marketplace.demo.recipe.tokens import MAX_TOKENS, token_ids

WIDTH = 128
MEAN, SPREAD = 0.5, 0.27  # of the pixels, from 0 to 1
KINDS = ("shape", "color", "ground", "pattern", "count", "outline", "finish")
_KIND_WEIGHTS = (8, 2, 1, 2, 4, 2, 3)  # relative frequency of each kind of wrong caption in training
_MAX_LOGIT_SCALE = 4.6
_BATCH_SIZE = 64
_GROUP = 64  # size of the set of captions for retrieval


@dataclass(frozen=True)
class ScorerQuality:
    """Mean cosines, and how often the right caption scores above a wrong one of each kind.

    Attributes:
        wrong: the mean for captions with one wrong attribute.
        unrelated: the mean for other icons' captions.
        retrieval: how often the right one of 64 captions scores highest.
        told_apart: by kind, how often the right caption scores above the wrong one.
    """

    right: float
    wrong: float
    unrelated: float
    retrieval: float
    told_apart: dict[str, float]


def new_scorer(tokenizer: CLIPTokenizer) -> CLIPModel:
    """An untrained scorer for the tokenizer's vocabulary."""
    tower = {"hidden_size": WIDTH, "intermediate_size": 3 * WIDTH, "num_attention_heads": 4, "hidden_act": "gelu"}
    text = {
        "vocab_size": len(tokenizer),
        "num_hidden_layers": 2,
        "max_position_embeddings": MAX_TOKENS,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "projection_dim": WIDTH,
    }
    vision = {"num_hidden_layers": 4, "image_size": NATIVE, "patch_size": 16, "projection_dim": WIDTH}
    model = CLIPModel(CLIPConfig(text_config=tower | text, vision_config=tower | vision, projection_dim=WIDTH))
    for name, weight in model.named_parameters():
        if "token_embedding" in name:
            nn.init.normal_(weight, std=0.2)
        elif "position_embedding" in name:
            nn.init.normal_(weight, std=0.1)
        elif weight.ndim == 2 and ("proj" in name or "fc" in name):
            nn.init.xavier_uniform_(weight)
    return model


def new_processor() -> CLIPImageProcessorPil:
    """The image processor of the scorer."""
    return CLIPImageProcessorPil(
        size={"shortest_edge": NATIVE},
        crop_size={"height": NATIVE, "width": NATIVE},
        image_mean=[MEAN] * 3,
        image_std=[SPREAD] * 3,
    )


def altered(icon: Icon, kind: str, rng: random.Random) -> Icon:
    """The icon with one attribute changed. In a pair, the kind "count" swaps the colours and shapes of the two."""

    def other(values: Sequence[str | None], value: str | None) -> str | None:
        return rng.choice([each for each in values if each != value])

    if kind == "count" and icon.partner:
        color, shape = icon.partner
        return dataclasses.replace(icon, color=color, shape=shape, partner=(icon.color, icon.shape))
    if kind == "count":
        count = rng.choice([each for each in (1, 2, 3) if each != icon.count])
        return dataclasses.replace(icon, count=count, size="medium")
    values: dict[str, Sequence[str | None]] = {
        "shape": SHAPES,
        "color": COLORS,
        "ground": GROUNDS,
        "pattern": PATTERNS,
        "outline": (None, *OUTLINES),
        "finish": FINISHES,
    }
    wrong: dict[str, str | None] = {kind: other(values[kind], getattr(icon, kind))}
    return dataclasses.replace(icon, **wrong)  # type: ignore[arg-type]


class ScorerObjective:
    """Contrastive loss between pictures and captions, with altered captions as hard negatives.

    Auxiliary heads, discarded after training, classify the attributes, which speeds up learning of shapes.
    """

    learning_rate, constant_part, weight_decay, ema_decay, batch = 1e-3, 0.2, 0.02, 0.995, 64

    def __init__(self, model: CLIPModel, tokenizer: CLIPTokenizer, sets: list[Pictures], device: torch.device) -> None:
        heads = nn.ModuleList([nn.Linear(WIDTH, len(classes)) for classes in CLASSES.values()])
        self.module = nn.ModuleDict({"clip": model, "heads": heads})
        self._model, self._heads, self._tokenizer = model, heads, tokenizer
        self._sets, self._device = sets, device

    def loss(self, step_random: StepRandom) -> torch.Tensor:
        pictures = self._sets[int(step_random.numpy.integers(len(self._sets)))]
        chosen = np.sort(step_random.numpy.choice(len(pictures), self.batch, replace=False))
        icons = [pictures.icon(int(index)) for index in chosen]
        rng = random.Random(int(step_random.numpy.integers(2**62)))
        wrong = [altered(icon, rng.choices(KINDS, _KIND_WEIGHTS)[0], rng) for icon in icons]
        ids = token_ids(self._tokenizer, [caption(icon) for icon in (*icons, *wrong)]).to(self._device)
        with fast_math(self._device):
            looks = self._model.vision_model(pixel_values=_normal(pictures.rgb[chosen], self._device)).pooler_output
            seen, said = F.normalize(self._model.visual_projection(looks), dim=-1), _text(self._model, ids)
            answers = [head(looks) for head in self._heads]
        scores = self._model.logit_scale.clamp(max=_MAX_LOGIT_SCALE).exp() * seen.float() @ said.float().T
        diagonal = torch.arange(self.batch, device=self._device)
        rivals = torch.stack([scores[diagonal, diagonal], scores[diagonal, diagonal + self.batch]], 1)
        truth = labels(icons).to(self._device)
        told = torch.stack([F.cross_entropy(each.float(), truth[:, n]) for n, each in enumerate(answers)]).sum()
        return (
            F.cross_entropy(scores, diagonal)
            + 0.5 * F.cross_entropy(scores[:, : self.batch].T, diagonal)
            + F.cross_entropy(rivals, torch.zeros_like(diagonal))
            + 0.2 * told
        )


@torch.no_grad()
def similarities(
    model: CLIPModel, tokenizer: CLIPTokenizer, rgb: Pixels, texts: Sequence[str], device: torch.device
) -> torch.Tensor:
    """Cosines from -1 to 1, of shape (pictures, texts)."""
    model = model.to(device).eval()
    seen = [
        F.normalize(
            model.visual_projection(
                model.vision_model(pixel_values=_normal(rgb[start : start + _BATCH_SIZE], device)).pooler_output
            ),
            dim=-1,
        )
        for start in range(0, len(rgb), _BATCH_SIZE)
    ]
    return (torch.cat(seen) @ _text(model, token_ids(tokenizer, texts).to(device)).T).cpu()


def scorer_quality(
    model: CLIPModel, tokenizer: CLIPTokenizer, pictures: Pictures, device: torch.device
) -> ScorerQuality:
    """Measure the scorer on pictures with right, altered and unrelated captions."""
    icons = pictures.icons()
    scores = similarities(model, tokenizer, pictures.rgb, [caption(icon) for icon in icons], device)
    right = scores.diagonal()
    rng = random.Random(f"wrong captions {pictures.seed}")
    told_apart, wrong_means = {}, []
    for kind in KINDS:
        texts = [caption(altered(icon, kind, rng)) for icon in icons]
        wrong = similarities(model, tokenizer, pictures.rgb, texts, device).diagonal()
        told_apart[kind] = (right > wrong).float().mean().item()
        wrong_means.append(wrong.mean().item())
    side = min(_GROUP, len(icons))
    groups = [scores[start : start + side, start : start + side] for start in range(0, len(icons) - side + 1, side)]
    found = torch.cat([group.argmax(1) == torch.arange(side) for group in groups])
    return ScorerQuality(
        right=right.mean().item(),
        wrong=sum(wrong_means) / len(wrong_means),
        unrelated=((scores.sum() - right.sum()) / (scores.numel() - len(right))).item(),
        retrieval=found.float().mean().item(),
        told_apart=told_apart,
    )


def _text(model: CLIPModel, ids: torch.Tensor) -> torch.Tensor:
    return F.normalize(model.text_projection(model.text_model(input_ids=ids).pooler_output), dim=-1)


def _normal(rgb: Pixels, device: torch.device) -> torch.Tensor:
    return (as_planes(rgb, device) - MEAN) / SPREAD
