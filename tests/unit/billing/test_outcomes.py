"""The states of an outcome, without a database."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.outcomes.domain import (
    TRANSITIONS,
    UNDECIDED,
    OutcomeState,
    canonical_document,
    conclude,
    document_hash,
    why_not_billed,
)

COUNTS = st.integers(1, 4).flatmap(
    lambda delivered: st.integers(0, delivered).flatmap(
        lambda accepted: st.tuples(st.just(delivered), st.just(accepted), st.integers(0, delivered - accepted))
    )
)


def test_every_state_is_reached_and_what_is_final_leads_nowhere():
    reached = {state for states in TRANSITIONS.values() for state in states}
    assert reached | {OutcomeState.AUTHORIZED} == set(OutcomeState)
    assert {state for state in OutcomeState if state.is_final} == set(OutcomeState) - UNDECIDED


@given(COUNTS, st.booleans())
def test_a_conclusion_follows_from_the_verdicts(counts: tuple[int, int, int], is_over: bool):
    delivered, accepted, rejected = counts
    state = conclude(delivered=delivered, accepted=accepted, rejected=rejected, is_over=is_over)
    undecided = delivered - accepted - rejected
    assert (state is OutcomeState.OBSERVING) == (undecided > 0 and not is_over)
    if state is not OutcomeState.OBSERVING:
        assert state in TRANSITIONS[OutcomeState.OBSERVING]
        assert (state is OutcomeState.SETTLED) == (accepted > 0)
        assert (state is OutcomeState.NOT_MET) == (rejected == delivered)
        assert (state is OutcomeState.EXPIRED) == (accepted == 0 and undecided > 0)


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.none(), max_size=5))
def test_a_document_has_one_form_and_its_hash(terms: dict[str, object]):
    document = canonical_document(terms)
    assert document == canonical_document(dict(reversed(terms.items())))
    assert json.loads(document) == terms
    assert document_hash(document) == hashlib.sha256(document.encode()).hexdigest()


@pytest.mark.parametrize("state", OutcomeState)
def test_an_unbilled_outcome_has_a_reason(state: OutcomeState):
    from datetime import UTC, datetime

    why = why_not_billed(state, review_until=datetime(2026, 1, 2, 3, 4, tzinfo=UTC))
    assert bool(why) == (state in {OutcomeState.OBSERVING, OutcomeState.NOT_MET, OutcomeState.EXPIRED})
    if state is OutcomeState.OBSERVING:
        assert "2026-01-02 03:04 UTC" in why
