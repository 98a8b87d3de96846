"""The state machine of a version's checks."""

from hypothesis import given
from hypothesis import strategies as st

from providers.domain import STEPS, CheckState, Step, VersionState, advance, outcome

START = dict.fromkeys(STEPS, CheckState.WAITING)
REPORTS = st.tuples(st.sampled_from(Step), st.sampled_from(CheckState))


def test_steps_pass_one_after_the_other():
    checks = dict(START)
    for step in STEPS:
        assert outcome(checks) is VersionState.CHECKING
        for state in (CheckState.RUNNING, CheckState.PASSED):
            changes = advance(checks, step, state)
            assert changes == {step: state}
            checks |= changes
    assert outcome(checks) is VersionState.PASSED


def test_a_failure_skips_what_follows():
    checks = START | {Step.FILES: CheckState.PASSED, Step.LOAD: CheckState.RUNNING}
    assert advance(checks, Step.LOAD, CheckState.FAILED) == {
        Step.LOAD: CheckState.FAILED,
        Step.GOLDEN: CheckState.SKIPPED,
        Step.PROFILE: CheckState.SKIPPED,
        Step.EXAMPLES: CheckState.SKIPPED,
    }


def test_a_step_before_its_turn_does_not_count():
    assert advance(START, Step.LOAD, CheckState.PASSED) is None
    assert advance(START, Step.EXAMPLES, CheckState.FAILED) is None


@given(st.lists(REPORTS, max_size=40))
def test_the_first_result_of_each_step_counts(reports: list[tuple[Step, CheckState]]):
    checks, ended = dict(START), {}
    for step, state in reports:
        changes = advance(checks, step, state)
        if changes is None:
            continue
        checks |= changes
        for changed, new in changes.items():
            assert changed not in ended, "what ended stays as it is"
            if new.is_final:
                ended[changed] = new
    states = [checks[step] for step in STEPS]
    passed = [state is CheckState.PASSED for state in states]
    assert passed == sorted(passed, reverse=True), "what passed stands before what did not"
    assert states.count(CheckState.RUNNING) <= 1
    if CheckState.FAILED in states:
        at = states.index(CheckState.FAILED)
        assert states[at + 1 :] == [CheckState.SKIPPED] * (len(states) - at - 1)
        assert outcome(checks) is VersionState.REFUSED
    else:
        assert CheckState.SKIPPED not in states
        assert (outcome(checks) is VersionState.PASSED) == all(passed)
