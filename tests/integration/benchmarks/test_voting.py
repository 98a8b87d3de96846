"""Votes: blind, once for each voter and pair, to be taken back; and what they add up to."""

from collections import Counter
from contextlib import suppress

import pytest
from django.db import IntegrityError

from marketplace.accounts.models import AuditEvent, Membership
from marketplace.benchmarks.domain.states import Answer, CellState, Choice, State
from marketplace.benchmarks.models import Cell, Reveal, Vote
from marketplace.benchmarks.selectors.ballots import ballot_of, pairs_for_voter
from marketplace.benchmarks.selectors.benchmarks import sees_names
from marketplace.benchmarks.selectors.results import results_of
from marketplace.benchmarks.services.voting import NoLongerBlind, reveal, undo, vote
from marketplace.core.problems import NotFound
from tests.support.benchmark_scene import Scene, colleague_of, member_of
from tests.support.inference_scene import make_buyer
from tests.support.together import MAX_AT_ONCE, together

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def scene(database: None) -> Scene:
    scene = Scene(prompts=8)
    scene.start()
    scene.run_to_the_end()
    assert scene.state is State.COMPLETED
    return scene


def prefer(scene: Scene, by: Membership, position: int, *, count: int | None = None) -> None:
    """Vote for the model at this position in the benchmark's order, pair after pair."""
    contestants = list(scene.benchmark.contestants.all())
    done = 0
    while (current := ballot_of(scene.benchmark, by.person).current) and (count is None or done < count):
        pair = next(pair for pair in pairs_for_voter(scene.benchmark, by.person) if pair.key == current.key)
        is_first = contestants[position].pk == pair.first
        answer = Answer.LEFT if is_first != pair.swapped else Answer.RIGHT
        vote(actor=by, benchmark_id=scene.id, key=current.key, answer=answer)
        done += 1


def test_a_ballot_shows_the_two_pictures_of_a_prompt(scene: Scene):
    ballot = ballot_of(scene.benchmark, scene.by.person)
    assert (ballot.done, ballot.total, ballot.undo) == (0, 8, None)
    assert ballot.current is not None
    assert ballot.upcoming is not None
    pair = pairs_for_voter(scene.benchmark, scene.by.person)[0]
    cells = {cell.contestant_id: cell.artifact_id for cell in scene.cells() if cell.prompt_id == pair.prompt}
    sides = [cells[pair.first], cells[pair.second]]
    assert [ballot.current.left, ballot.current.right] == (sides[::-1] if pair.swapped else sides)
    assert ballot_of(scene.benchmark, scene.by.person) == ballot  # the same after a reload


def test_votes_count_for_the_model_that_was_on_that_side(scene: Scene):
    prefer(scene, scene.by, 1)
    votes = list(Vote.objects.filter(benchmark=scene.id))
    assert [vote.choice for vote in votes] == [Choice.SECOND] * 8
    assert len({vote.prompt_id for vote in votes}) == 8
    swapped = {pair.prompt: pair.swapped for pair in pairs_for_voter(scene.benchmark, scene.by.person)}
    assert {vote.prompt_id: vote.swapped for vote in votes} == swapped
    assert ballot_of(scene.benchmark, scene.by.person).current is None


def test_one_vote_for_each_voter_and_pair(scene: Scene):
    colleague = colleague_of(scene.buyer)
    key = ballot_of(scene.benchmark, scene.by.person).current.key

    def press(answer: Answer, who: Membership = scene.by, what: str = key) -> Vote:
        return vote(actor=who, benchmark_id=scene.id, key=what, answer=answer)

    given = together([lambda answer=answer: press(answer) for answer in (Answer.LEFT, Answer.RIGHT, Answer.TIE) * 2])
    assert len({vote.pk for vote in given}) == 1
    assert Vote.objects.filter(benchmark=scene.id).count() == 1
    (first,) = Vote.objects.filter(benchmark=scene.id)
    assert press(Answer.BOTH_BAD).choice == first.choice

    # A colleague has a ballot of their own, on which this key is none.
    with pytest.raises(NotFound):
        press(Answer.LEFT, who=colleague)
    theirs = ballot_of(scene.benchmark, colleague.person)
    assert theirs.done == 0
    press(Answer.TIE, who=colleague, what=theirs.current.key)
    assert Vote.objects.filter(benchmark=scene.id).count() == 2
    first.pk = None
    with pytest.raises(IntegrityError, match="vote_once"):
        first.save(force_insert=True)


def test_voters_at_once_do_not_disturb_each_other(scene: Scene):
    voters = [scene.by, *(colleague_of(scene.buyer) for _ in range(MAX_AT_ONCE - 1))]
    together([lambda voter=voter: prefer(scene, voter, 0) for voter in voters])
    counts = Counter(Vote.objects.filter(benchmark=scene.id).values_list("voter", flat=True))
    assert counts == {voter.user_id: 8 for voter in voters}


def test_undo_brings_the_pair_back(scene: Scene):
    before = ballot_of(scene.benchmark, scene.by.person)
    vote(actor=scene.by, benchmark_id=scene.id, key=before.current.key, answer=Answer.LEFT, reason=" cleaner\n edge ")
    assert Vote.objects.get(benchmark=scene.id).reason == "cleaner edge"
    after = ballot_of(scene.benchmark, scene.by.person)
    assert (after.done, after.undo) == (1, before.current.key)
    assert after.current == before.upcoming
    together([lambda: undo(actor=scene.by, benchmark_id=scene.id, key=after.undo)] * 3)
    assert ballot_of(scene.benchmark, scene.by.person) == before
    assert not Vote.objects.filter(benchmark=scene.id).exists()


def test_undo_takes_back_one_vote_only(scene: Scene):
    prefer(scene, scene.by, 0, count=3)
    key = ballot_of(scene.benchmark, scene.by.person).undo
    together([lambda: undo(actor=scene.by, benchmark_id=scene.id, key=key)] * MAX_AT_ONCE)
    assert Vote.objects.filter(benchmark=scene.id).count() == 2


def test_a_skipped_pair_does_not_come_again_and_does_not_count(scene: Scene):
    key = ballot_of(scene.benchmark, scene.by.person).current.key
    vote(actor=scene.by, benchmark_id=scene.id, key=key, answer=Answer.SKIP)
    ballot = ballot_of(scene.benchmark, scene.by.person)
    assert (ballot.done, ballot.undo) == (1, key)
    assert ballot.current.key != key
    assert results_of(scene.benchmark).ranking is None


def test_names_end_the_voting_and_that_is_recorded(scene: Scene):
    prefer(scene, scene.by, 0, count=2)
    key = ballot_of(scene.benchmark, scene.by.person).current.key
    assert not sees_names(scene.benchmark, scene.by)
    together([lambda: reveal(actor=scene.by, benchmark_id=scene.id)] * 3)
    assert sees_names(scene.benchmark, scene.by)
    assert Reveal.objects.get(benchmark=scene.id).votes == 2
    assert AuditEvent.objects.get(subject=str(scene.id), action="benchmark.names_shown").data == {"votes": 2}
    with pytest.raises(NoLongerBlind):
        vote(actor=scene.by, benchmark_id=scene.id, key=key, answer=Answer.LEFT)
    with pytest.raises(NoLongerBlind):
        undo(actor=scene.by, benchmark_id=scene.id, key=ballot_of(scene.benchmark, scene.by.person).undo)
    assert Vote.objects.filter(benchmark=scene.id).count() == 2
    colleague = colleague_of(scene.buyer)
    assert not sees_names(scene.benchmark, colleague)
    prefer(scene, colleague, 0, count=1)


def test_no_vote_passes_a_reveal(scene: Scene):
    key = ballot_of(scene.benchmark, scene.by.person).current.key

    def press() -> None:
        with suppress(NoLongerBlind):
            vote(actor=scene.by, benchmark_id=scene.id, key=key, answer=Answer.LEFT)

    together([press, lambda: reveal(actor=scene.by, benchmark_id=scene.id), press])
    assert Reveal.objects.get(benchmark=scene.id).votes == Vote.objects.filter(benchmark=scene.id).count()


def test_only_what_has_two_pictures_is_voted_on(scene: Scene):
    Cell.objects.filter(pk=scene.cells()[0].pk).update(state=CellState.FAILED, artifact_id=None)
    assert ballot_of(scene.benchmark, scene.by.person).total == 7


def test_strangers_find_nothing(scene: Scene):
    stranger = member_of(make_buyer(credit=0))
    for call in (
        lambda: vote(actor=stranger, benchmark_id=scene.id, key="x", answer=Answer.LEFT),
        lambda: undo(actor=stranger, benchmark_id=scene.id, key="x"),
        lambda: reveal(actor=stranger, benchmark_id=scene.id),
        lambda: vote(actor=scene.by, benchmark_id=None, key="x", answer=Answer.LEFT),
        lambda: vote(actor=scene.by, benchmark_id=scene.id, key="x", answer=Answer.LEFT),
    ):
        with pytest.raises(NotFound):
            call()


def test_results_name_the_winner_and_what_it_costs(scene: Scene):
    colleague = colleague_of(scene.buyer)
    prefer(scene, scene.by, 1)
    prefer(scene, colleague, 1)
    results = results_of(scene.benchmark)
    winner, loser = results.rows
    assert [row.contestant.model_name for row in results.rows] == scene.names[::-1]
    assert [row.standing.rank for row in results.rows] == [1, 2]
    assert (winner.price, winner.charged, winner.per_accepted, winner.pictures) == (1_000, 8_000, 1_000, 8)
    assert (loser.price, loser.charged, loser.per_accepted) == (4_000, 32_000, 4_000)
    assert (winner.standing.win_rate, loser.standing.win_rate) == (1, 0)
    assert winner.queue.p50 is not None
    (verdict,) = results.verdicts
    assert verdict.comparison.distinguishable
    assert verdict.better.model_name == scene.names[1]
    assert (results.voters, results.ranking.votes, results.ranking.prompts) == (2, 16, 8)


def test_both_bad_makes_pictures_dearer(scene: Scene):
    for _ in range(4):
        key = ballot_of(scene.benchmark, scene.by.person).current.key
        vote(actor=scene.by, benchmark_id=scene.id, key=key, answer=Answer.BOTH_BAD)
    prefer(scene, scene.by, 0)
    results = results_of(scene.benchmark)
    assert {row.contestant.model_name: row.per_accepted for row in results.rows} == {
        scene.names[0]: 8_000,
        scene.names[1]: 2_000,
    }


def test_voters_who_contradict_each_other_tell_nothing(scene: Scene):
    prefer(scene, scene.by, 0)
    prefer(scene, colleague_of(scene.buyer), 1)
    results = results_of(scene.benchmark)
    assert [row.standing.rank for row in results.rows] == [1, 1]
    assert not results.verdicts[0].comparison.distinguishable
    assert results.alpha < 0


def test_without_votes_there_are_figures_but_no_ranking(scene: Scene):
    results = results_of(scene.benchmark)
    assert results.ranking is None
    assert results.verdicts == ()
    assert [row.standing for row in results.rows] == [None, None]
    assert [row.charged for row in results.rows] == [32_000, 8_000]
