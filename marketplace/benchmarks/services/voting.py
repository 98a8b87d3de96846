"""Blind voting: vote, undo a vote, or reveal the models' names."""

import uuid

from django.db import transaction

from marketplace.accounts import policy
from marketplace.accounts.domain import Actor
from marketplace.accounts.policy import Action
from marketplace.accounts.services import audit
from marketplace.benchmarks.domain.schedule import Pair
from marketplace.benchmarks.domain.states import MAX_REASON_LENGTH, Answer, choice_of
from marketplace.benchmarks.models import Benchmark, Reveal, Vote
from marketplace.benchmarks.selectors.ballots import pairs_for_voter
from marketplace.benchmarks.selectors.benchmarks import benchmark_for_buyer, sees_names
from marketplace.benchmarks.services import rounds
from marketplace.core.problems import Conflict, NotFound


class NoLongerBlind(Conflict):
    """The voter has seen which model made which picture."""

    kind, title = "no-longer-blind", "You have seen the models' names"


@transaction.atomic
def vote(*, actor: Actor, benchmark_id: uuid.UUID | None, key: str, answer: Answer, reason: str = "") -> Vote:
    """Record a vote. Voting on the same pair again changes nothing: the first answer counts until it is undone.

    Args:
        key: the key of the pair in the voter's ballot.

    Raises:
        Forbidden: see `policy.require`.
        NotFound: the organisation has no such benchmark, or the benchmark has no such pair for this voter.
        NoLongerBlind: the voter has seen the names.
    """
    benchmark = _locked_blind(actor, benchmark_id)
    pair = _pair(benchmark, actor, key)
    given, _ = Vote.objects.get_or_create(
        benchmark=benchmark,
        voter_id=actor.person,
        prompt_id=pair.prompt,
        first_id=pair.first,
        second_id=pair.second,
        defaults={
            "choice": choice_of(answer, swapped=pair.swapped),
            "swapped": pair.swapped,
            "reason": " ".join(reason.split())[:MAX_REASON_LENGTH],
        },
    )
    return given


@transaction.atomic
def undo(*, actor: Actor, benchmark_id: uuid.UUID | None, key: str) -> None:
    """Delete the voter's vote on a pair, so that the pair is shown again. Undoing twice changes nothing.

    Raises:
        Forbidden, NotFound, NoLongerBlind: as `vote`.
    """
    benchmark = _locked_blind(actor, benchmark_id)
    pair = _pair(benchmark, actor, key)
    benchmark.votes.filter(voter_id=actor.person, prompt=pair.prompt, first=pair.first, second=pair.second).delete()


@transaction.atomic
def reveal(*, actor: Actor, benchmark_id: uuid.UUID | None) -> None:
    """Show a member the names and results from now on, and record that. It ends their voting.

    Raises:
        Forbidden: see `policy.require`.
        NotFound: the organisation has no such benchmark.
    """
    benchmark = rounds.lock(benchmark_for_buyer(actor.organization_id, benchmark_id).pk)
    policy.require(actor, Action.VOTE)
    votes = benchmark.votes.filter(voter_id=actor.person).count()
    _, is_new = Reveal.objects.get_or_create(benchmark=benchmark, user_id=actor.person, defaults={"votes": votes})
    if is_new:
        audit.record(actor, action="benchmark.names_shown", subject=str(benchmark.pk), votes=votes)


def _locked_blind(actor: Actor, benchmark_id: uuid.UUID | None) -> Benchmark:
    """The benchmark, locked so that no vote is recorded after a reveal by the same person."""
    benchmark = benchmark_for_buyer(actor.organization_id, benchmark_id)
    rounds.lock(benchmark.pk)
    policy.require(actor, Action.VOTE)
    if sees_names(benchmark, actor):
        raise NoLongerBlind(
            "You have seen which picture is whose, so you can no longer vote on this benchmark blindly."
        )
    return benchmark


def _pair(benchmark: Benchmark, actor: Actor, key: str) -> Pair:
    found = next((pair for pair in pairs_for_voter(benchmark, actor.person) if pair.key == key), None)
    if found is None:
        raise NotFound("There is no such pair of pictures; reload the page")
    return found
