"""The order in which a voter sees pairs, and their sides. Pure and deterministic."""

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
        first, second: the models' ids, in the benchmark's order.
        key: the pair's name on the voter's page; it reveals nothing about the models.
        swapped: whether the first model's picture is on the right.
    """

    prompt: int
    first: int
    second: int
    key: str
    swapped: bool


def schedule(*, prompts: Sequence[int], models: Sequence[int], secret: str) -> list[Pair]:
    """All pairs of models over all prompts, once each, in one voter's order.

    At every point of the list the counts of any two prompts differ by at most one, and so do those of any two pairs of
    models: a voter may stop anywhere.

    Args:
        prompts: ids of the prompts.
        models: ids of the models, in the benchmark's order.
        secret: unguessable, different for each voter and benchmark; it determines order, sides and keys.
    """
    chance = random.Random(hashlib.sha256(f"order:{secret}".encode()).digest())  # noqa: S311  # the seed is the secret
    prompts, pairs = list(prompts), list(combinations(models, 2))
    chance.shuffle(prompts)
    chance.shuffle(pairs)
    return [_pair(prompts[p], pairs[k], secret) for p, k in _turns(len(prompts), len(pairs))]


def _turns(prompts: int, pairs: int) -> Iterator[tuple[int, int]]:
    """Every (prompt, pair) once; both indices cycle.

    If their numbers share a factor, plain cycling would repeat combinations after the least common multiple of both;
    therefore the pairs skip one index each time it is reached.
    """
    if not prompts or not pairs:
        return
    period = math.lcm(prompts, pairs)
    for turn in range(prompts * pairs):
        yield turn % prompts, (turn + turn // period) % pairs


def _pair(prompt: int, models: tuple[int, int], secret: str) -> Pair:
    digest = hashlib.sha256(f"pair:{secret}:{prompt}:{models[0]}:{models[1]}".encode()).digest()
    return Pair(prompt, *models, key=digest.hex()[:KEY_LENGTH], swapped=bool(digest[-1] & 1))
