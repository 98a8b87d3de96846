"""The tokenizer: byte-pair encoding learned from captions, as a stock CLIPTokenizer."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

import torch
from transformers import CLIPTokenizer

from marketplace.demo.recipe.domain import caption, icon_at

MAX_TOKENS = 24
START, END = "<|startoftext|>", "<|endoftext|>"
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789,.-'!?"
_WORD_END = "</w>"

Pair = tuple[str, str]


def train_tokenizer(seed: int, captions: int = 20_000) -> CLIPTokenizer:
    """A tokenizer with a token for each word of the captions; other words are split into letters."""
    return tokenizer_from(caption(icon_at(seed, index)[0]) for index in range(captions))


def tokenizer_from(captions: Iterable[str]) -> CLIPTokenizer:
    """A tokenizer for the words of these captions."""
    merges = byte_pairs(Counter(word for text in captions for word in text.split()))
    tokens = [START, END, *_LETTERS, *(letter + _WORD_END for letter in _LETTERS), *map("".join, merges)]
    vocabulary = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=MAX_TOKENS)


def byte_pairs(words: Counter[str]) -> list[Pair]:
    """The merges that turn words into single tokens, in order.

    Of equally frequent pairs the alphabetically first is merged first; the trainer of `tokenizers` is not
    deterministic.
    """
    parts = {word: [*word[:-1], word[-1] + _WORD_END] for word in words}
    merges: list[Pair] = []
    while pairs := _frequencies(parts, words):
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        parts = {word: _merged(symbols, best) for word, symbols in parts.items()}
    return merges


def token_ids(tokenizer: CLIPTokenizer, texts: Sequence[str]) -> torch.Tensor:
    """Token ids of shape (n, MAX_TOKENS), padded with the end token."""
    coded = tokenizer(list(texts), padding="max_length", max_length=MAX_TOKENS, truncation=True)
    return torch.tensor(coded.input_ids)


def _frequencies(parts: dict[str, list[str]], words: Counter[str]) -> Counter[Pair]:
    pairs: Counter[Pair] = Counter()
    for word, symbols in parts.items():
        for pair in pairwise(symbols):
            pairs[pair] += words[word]
    return pairs


def _merged(symbols: list[str], pair: Pair) -> list[str]:
    merged: list[str] = []
    for symbol in symbols:
        if merged and (merged[-1], symbol) == pair:
            merged[-1] += symbol
        else:
            merged.append(symbol)
    return merged
