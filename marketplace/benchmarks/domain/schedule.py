"""In which order a voter sees pairs, and on which sides. Pure, and the same each time it is asked."""

import hashlib
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

KEY_LENGTH = 20


@dataclass(frozen=True)
class Pair:
    """Two models' pictures of one prompt.

    Attributes:
        prompt: the prompt's id.
        first, second: the models' ids, in the benchmark's own order.
        key: what the voter's page calls the pair; it tells nothing about what it holds.
        swapped: whether the first model's picture stands on the right.
    """

    prompt: int
    first: int
    second: int
    key: str
    swapped: bool


def schedule(*, prompts: Sequence[int], models: Sequence[int], secret: str) -> list[Pair]:
    """All pairs of models over all prompts, once each, in one voter's own order.

    At every point of the list, no prompt has come more than once more often than another, and no pair of models
    either: a voter may stop anywhere.

    Args:
        prompts: ids of the prompts.
        models: ids of the models, in the benchmark's order.
        secret: differs for each voter and benchmark, and is not to be guessed: order, sides and keys follow from it.
    """
    chance = random.Random(hashlib.sha256(f"order:{secret}".encode()).digest())  # noqa: S311  # the seed is the secret
    prompts, pairs = list(prompts), list(combinations(models, 2))
    chance.shuffle(prompts)
    chance.shuffle(pairs)
    return [_pair(prompts[p], pairs[k], secret) for p, k in _turns(len(prompts), len(pairs))]


def _turns(prompts: int, pairs: int) -> Iterator[tuple[int, int]]:
    """Every (prompt, pair) once; prompts go round and round, and so do pairs.

    Both simply counting up would meet again too early where their numbers share a factor; so the pairs skip one
    whenever they would, which is after the least common multiple of both.
    """
    if not prompts or not pairs:
        return
    meet = math.lcm(prompts, pairs)
    for turn in range(prompts * pairs):
        yield turn % prompts, (turn + turn // meet) % pairs


def _pair(prompt: int, models: tuple[int, int], secret: str) -> Pair:
    digest = hashlib.sha256(f"pair:{secret}:{prompt}:{models[0]}:{models[1]}".encode()).digest()
    return Pair(prompt, *models, key=digest.hex()[:KEY_LENGTH], swapped=bool(digest[-1] & 1))
