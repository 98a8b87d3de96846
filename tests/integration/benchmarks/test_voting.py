"""Votes: blind, once for each voter and pair, with undo; and the results."""

from collections import Counter
from contextlib import suppress

import pytest
from django.db import IntegrityError

from marketplace.accounts.domain import Actor
from marketplace.accounts.models import AuditEvent
from marketplace.benchmarks.domain.states import Answer, CellState, Choice, State
from marketplace.benchmarks.models import Cell, Reveal, Vote
from marketplace.benchmarks.selectors.ballots import ballot_of, pairs_for_voter
from marketplace.benchmarks.selectors.benchmarks import sees_names
from marketplace.benchmarks.selectors.results import results_of
from marketplace.benchmarks.services.voting import NoLongerBlind, reveal, undo, vote
from marketplace.core.problems import NotFound
from tests.support.benchmark_market import BenchmarkCase, colleague_of, member_of
from tests.support.concurrency import MAX_CONCURRENT_CALLS, run_concurrently
from tests.support.inference_market import make_buyer

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def case(database: None) -> BenchmarkCase:
    case = BenchmarkCase(prompts=8)
    case.start()
    case.run_to_the_end()
    assert case.state is State.COMPLETED
    return case


def prefer(case: BenchmarkCase, by: Actor, position: int, *, count: int | None = None) -> None:
    """Vote for the model at this position in the benchmark's order, pair after pair."""
    contestants = list(case.benchmark.contestants.all())
    done = 0
    while (current := ballot_of(case.benchmark, by.person).current) and (count is None or done < count):
        pair = next(pair for pair in pairs_for_voter(case.benchmark, by.person) if pair.key == current.key)
        is_first = contestants[position].pk == pair.first
        answer = Answer.LEFT if is_first != pair.swapped else Answer.RIGHT
        vote(actor=by, benchmark_id=case.id, key=current.key, answer=answer)
        done += 1


def test_a_ballot_shows_the_two_pictures_of_a_prompt(case: BenchmarkCase):
    ballot = ballot_of(case.benchmark, case.by.person)
    assert (ballot.done, ballot.total, ballot.undo) == (0, 8, None)
    assert ballot.current is not None
    assert ballot.upcoming is not None
    pair = pairs_for_voter(case.benchmark, case.by.person)[0]
    cells = {cell.contestant_id: cell.artifact_id for cell in case.cells() if cell.prompt_id == pair.prompt}
    sides = [cells[pair.first], cells[pair.second]]
    assert [ballot.current.left, ballot.current.right] == (sides[::-1] if pair.swapped else sides)
    assert ballot_of(case.benchmark, case.by.person) == ballot  # the same after a reload


def test_votes_count_for_the_model_that_was_on_that_side(case: BenchmarkCase):
    prefer(case, case.by, 1)
    votes = list(Vote.objects.filter(benchmark=case.id))
    assert [vote.choice for vote in votes] == [Choice.SECOND] * 8
    assert len({vote.prompt_id for vote in votes}) == 8
    swapped = {pair.prompt: pair.swapped for pair in pairs_for_voter(case.benchmark, case.by.person)}
    assert {vote.prompt_id: vote.swapped for vote in votes} == swapped
    assert ballot_of(case.benchmark, case.by.person).current is None


def test_one_vote_for_each_voter_and_pair(case: BenchmarkCase):
    colleague = colleague_of(case.buyer)
    key = ballot_of(case.benchmark, case.by.person).current.key

    def press(answer: Answer, who: Actor = case.by, what: str = key) -> Vote:
        return vote(actor=who, benchmark_id=case.id, key=what, answer=answer)

    given = run_concurrently(
        [lambda answer=answer: press(answer) for answer in (Answer.LEFT, Answer.RIGHT, Answer.TIE) * 2]
    )
    assert len({vote.pk for vote in given}) == 1
    assert Vote.objects.filter(benchmark=case.id).count() == 1
    (first,) = Vote.objects.filter(benchmark=case.id)
    assert press(Answer.BOTH_BAD).choice == first.choice

    # A colleague has another ballot, for which this key is invalid.
    with pytest.raises(NotFound):
        press(Answer.LEFT, who=colleague)
    theirs = ballot_of(case.benchmark, colleague.person)
    assert theirs.done == 0
    press(Answer.TIE, who=colleague, what=theirs.current.key)
    assert Vote.objects.filter(benchmark=case.id).count() == 2
    first.pk = None
    with pytest.raises(IntegrityError, match="vote_once"):
        first.save(force_insert=True)


def test_concurrent_voters_are_independent(case: BenchmarkCase):
    voters = [case.by, *(colleague_of(case.buyer) for _ in range(MAX_CONCURRENT_CALLS - 1))]
    run_concurrently([lambda voter=voter: prefer(case, voter, 0) for voter in voters])
    counts = Counter(Vote.objects.filter(benchmark=case.id).values_list("voter", flat=True))
    assert counts == {voter.user_id: 8 for voter in voters}


def test_undo_brings_the_pair_back(case: BenchmarkCase):
    before = ballot_of(case.benchmark, case.by.person)
    vote(
        actor=case.by,
        benchmark_id=case.id,
        key=before.current.key,
        answer=Answer.LEFT,
        reason=" cleaner\n edge ",
    )
    assert Vote.objects.get(benchmark=case.id).reason == "cleaner edge"
    after = ballot_of(case.benchmark, case.by.person)
    assert (after.done, after.undo) == (1, before.current.key)
    assert after.current == before.upcoming
    run_concurrently([lambda: undo(actor=case.by, benchmark_id=case.id, key=after.undo)] * 3)
    assert ballot_of(case.benchmark, case.by.person) == before
    assert not Vote.objects.filter(benchmark=case.id).exists()


def test_undo_takes_back_one_vote_only(case: BenchmarkCase):
    prefer(case, case.by, 0, count=3)
    key = ballot_of(case.benchmark, case.by.person).undo
    run_concurrently([lambda: undo(actor=case.by, benchmark_id=case.id, key=key)] * MAX_CONCURRENT_CALLS)
    assert Vote.objects.filter(benchmark=case.id).count() == 2


def test_a_skipped_pair_does_not_come_again_and_does_not_count(case: BenchmarkCase):
    key = ballot_of(case.benchmark, case.by.person).current.key
    vote(actor=case.by, benchmark_id=case.id, key=key, answer=Answer.SKIP)
    ballot = ballot_of(case.benchmark, case.by.person)
    assert (ballot.done, ballot.undo) == (1, key)
    assert ballot.current.key != key
    assert results_of(case.benchmark).ranking is None


def test_names_end_the_voting_and_that_is_recorded(case: BenchmarkCase):
    prefer(case, case.by, 0, count=2)
    key = ballot_of(case.benchmark, case.by.person).current.key
    assert not sees_names(case.benchmark, case.by)
    run_concurrently([lambda: reveal(actor=case.by, benchmark_id=case.id)] * 3)
    assert sees_names(case.benchmark, case.by)
    assert Reveal.objects.get(benchmark=case.id).votes == 2
    assert AuditEvent.objects.get(subject=str(case.id), action="benchmark.names_shown").data == {"votes": 2}
    with pytest.raises(NoLongerBlind):
        vote(actor=case.by, benchmark_id=case.id, key=key, answer=Answer.LEFT)
    with pytest.raises(NoLongerBlind):
        undo(actor=case.by, benchmark_id=case.id, key=ballot_of(case.benchmark, case.by.person).undo)
    assert Vote.objects.filter(benchmark=case.id).count() == 2
    colleague = colleague_of(case.buyer)
    assert not sees_names(case.benchmark, colleague)
    prefer(case, colleague, 0, count=1)


def test_no_vote_is_accepted_after_a_reveal(case: BenchmarkCase):
    key = ballot_of(case.benchmark, case.by.person).current.key

    def press() -> None:
        with suppress(NoLongerBlind):
            vote(actor=case.by, benchmark_id=case.id, key=key, answer=Answer.LEFT)

    run_concurrently([press, lambda: reveal(actor=case.by, benchmark_id=case.id), press])
    assert Reveal.objects.get(benchmark=case.id).votes == Vote.objects.filter(benchmark=case.id).count()


def test_only_pairs_with_two_pictures_are_shown(case: BenchmarkCase):
    Cell.objects.filter(pk=case.cells()[0].pk).update(state=CellState.FAILED, artifact_id=None)
    assert ballot_of(case.benchmark, case.by.person).total == 7


def test_other_organisations_get_404(case: BenchmarkCase):
    stranger = member_of(make_buyer(credit=0))
    for call in (
        lambda: vote(actor=stranger, benchmark_id=case.id, key="x", answer=Answer.LEFT),
        lambda: undo(actor=stranger, benchmark_id=case.id, key="x"),
        lambda: reveal(actor=stranger, benchmark_id=case.id),
        lambda: vote(actor=case.by, benchmark_id=None, key="x", answer=Answer.LEFT),
        lambda: vote(actor=case.by, benchmark_id=case.id, key="x", answer=Answer.LEFT),
    ):
        with pytest.raises(NotFound):
            call()


def test_results_name_the_winner_and_what_it_costs(case: BenchmarkCase):
    colleague = colleague_of(case.buyer)
    prefer(case, case.by, 1)
    prefer(case, colleague, 1)
    results = results_of(case.benchmark)
    winner, loser = results.rows
    assert [row.contestant.model_name for row in results.rows] == case.names[::-1]
    assert [row.standing.rank for row in results.rows] == [1, 2]
    assert (winner.price, winner.charged, winner.per_accepted, winner.pictures) == (1_000, 8_000, 1_000, 8)
    assert (loser.price, loser.charged, loser.per_accepted) == (4_000, 32_000, 4_000)
    assert (winner.standing.win_rate, loser.standing.win_rate) == (1, 0)
    assert winner.queue.p50 is not None
    (verdict,) = results.verdicts
    assert verdict.comparison.distinguishable
    assert verdict.better.model_name == case.names[1]
    assert (results.voters, results.ranking.votes, results.ranking.prompts) == (2, 16, 8)


def test_both_bad_raises_the_cost_per_accepted_picture(case: BenchmarkCase):
    for _ in range(4):
        key = ballot_of(case.benchmark, case.by.person).current.key
        vote(actor=case.by, benchmark_id=case.id, key=key, answer=Answer.BOTH_BAD)
    prefer(case, case.by, 0)
    results = results_of(case.benchmark)
    assert {row.contestant.model_name: row.per_accepted for row in results.rows} == {
        case.names[0]: 8_000,
        case.names[1]: 2_000,
    }


def test_contradicting_votes_are_not_distinguishable(case: BenchmarkCase):
    prefer(case, case.by, 0)
    prefer(case, colleague_of(case.buyer), 1)
    results = results_of(case.benchmark)
    assert [row.standing.rank for row in results.rows] == [1, 1]
    assert not results.verdicts[0].comparison.distinguishable
    assert results.alpha < 0


def test_without_votes_there_are_figures_but_no_ranking(case: BenchmarkCase):
    results = results_of(case.benchmark)
    assert results.ranking is None
    assert results.verdicts == ()
    assert [row.standing for row in results.rows] == [None, None]
    assert [row.charged for row in results.rows] == [32_000, 8_000]
