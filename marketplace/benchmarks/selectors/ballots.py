"""The pair that a voter sees next, without the models' names."""

import hashlib
import hmac
import uuid
from collections import defaultdict
from dataclasses import dataclass

from django.conf import settings

from marketplace.benchmarks.domain.schedule import Pair, schedule
from marketplace.benchmarks.domain.states import CellState
from marketplace.benchmarks.models import Benchmark, Prompt, Vote


@dataclass(frozen=True)
class Shown:
    """A pair as it is shown: the ids of the artifacts on either side."""

    key: str
    prompt: str
    left: uuid.UUID
    right: uuid.UUID


@dataclass(frozen=True)
class Ballot:
    """A voter's progress and next pairs.

    Attributes:
        current: the pair to vote on; None when all are done.
        upcoming: the pair after it, for preloading.
        undo: the key of the pair that was voted on last.
    """

    done: int
    total: int
    current: Shown | None
    upcoming: Shown | None
    undo: str | None


def pairs_for_voter(benchmark: Benchmark, voter: uuid.UUID) -> list[Pair]:
    """All pairs whose pictures exist, in this voter's order."""
    pictures = _pictures(benchmark)
    return [
        pair
        for pair in schedule(
            prompts=list(benchmark.prompt_set.prompts.values_list("pk", flat=True)),
            models=[contestant.pk for contestant in benchmark.contestants.all()],
            secret=_secret(benchmark, voter),
        )
        if (pair.prompt, pair.first) in pictures and (pair.prompt, pair.second) in pictures
    ]


def ballot_of(benchmark: Benchmark, voter: uuid.UUID) -> Ballot:
    """The voter's ballot."""
    pairs = pairs_for_voter(benchmark, voter)
    votes = list(benchmark.votes.filter(voter=voter).order_by("pk"))
    voted = {_identity(vote) for vote in votes}
    left = [pair for pair in pairs if (pair.prompt, pair.first, pair.second) not in voted]
    keys = {(pair.prompt, pair.first, pair.second): pair.key for pair in pairs}
    given = [keys[identity] for vote in votes if (identity := _identity(vote)) in keys]
    pictures = _pictures(benchmark)
    texts = dict(Prompt.objects.filter(pk__in=[pair.prompt for pair in left[:2]]).values_list("pk", "text"))
    shown = [_shown(pair, pictures, texts[pair.prompt]) for pair in left[:2]]
    return Ballot(
        done=len(given),
        total=len(pairs),
        current=shown[0] if shown else None,
        upcoming=shown[1] if len(shown) > 1 else None,
        undo=given[-1] if given else None,
    )


def votes_by_voter(benchmark: Benchmark) -> dict[str, int]:
    """How many pairs each person has voted on, without skipped ones, by e-mail address."""
    counts: dict[str, int] = defaultdict(int)
    for email in benchmark.votes.exclude(choice="skipped").values_list("voter__email", flat=True):
        counts[email] += 1
    return dict(sorted(counts.items()))


def _identity(vote: Vote) -> tuple[int, int, int]:
    return vote.prompt_id, vote.first_id, vote.second_id


def _pictures(benchmark: Benchmark) -> dict[tuple[int, int], uuid.UUID]:
    """Artifacts by prompt and contestant."""
    rows = benchmark.cells.filter(state=CellState.SUCCEEDED).values_list("prompt", "contestant", "artifact_id")
    return {(prompt, contestant): artifact for prompt, contestant, artifact in rows if artifact}


def _secret(benchmark: Benchmark, voter: uuid.UUID) -> str:
    message = f"ballot:{benchmark.pk}:{voter}"
    return hmac.new(settings.SECRET_KEY.encode(), message.encode(), hashlib.sha256).hexdigest()


def _shown(pair: Pair, pictures: dict[tuple[int, int], uuid.UUID], prompt: str) -> Shown:
    left, right = (pair.second, pair.first) if pair.swapped else (pair.first, pair.second)
    return Shown(pair.key, prompt, left=pictures[pair.prompt, left], right=pictures[pair.prompt, right])
