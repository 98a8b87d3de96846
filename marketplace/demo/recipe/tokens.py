"""The tokenizer: byte pairs learned from captions, in the form of a stock CLIPTokenizer."""

import json
from collections.abc import Iterable, Sequence

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTokenizer

from marketplace.demo.recipe.domain import caption, icon_at

LONGEST = 24
START, END = "<|startoftext|>", "<|endoftext|>"
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789,.-'!?"
_WORD_END = "</w>"


def train_tokenizer(seed: int, captions: int = 20_000) -> CLIPTokenizer:
    """A tokenizer that knows the captions' words whole, and anything else by its letters."""
    return tokenizer_from(caption(icon_at(seed, index)[0]) for index in range(captions))


def tokenizer_from(captions: Iterable[str]) -> CLIPTokenizer:
    pairs = Tokenizer(models.BPE(unk_token=END, end_of_word_suffix=_WORD_END))
    pairs.normalizer = normalizers.Lowercase()
    pairs.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(" ", "removed"), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=1_000,
        min_frequency=2,
        initial_alphabet=list(_LETTERS),
        end_of_word_suffix=_WORD_END,
        special_tokens=[START, END],
        show_progress=False,
    )
    pairs.train_from_iterator(captions, trainer)
    learned = json.loads(pairs.to_str())["model"]
    vocabulary: dict[str, int] = learned["vocab"]
    for letter in _LETTERS:
        vocabulary.setdefault(letter, len(vocabulary))
        vocabulary.setdefault(letter + _WORD_END, len(vocabulary))
    merges = [tuple(merge) for merge in learned["merges"]]
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=LONGEST)


def token_ids(tokenizer: CLIPTokenizer, texts: Sequence[str]) -> torch.Tensor:
    """n × LONGEST, padded with the end token."""
    coded = tokenizer(list(texts), padding="max_length", max_length=LONGEST, truncation=True)
    return torch.tensor(coded.input_ids)
