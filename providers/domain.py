"""The states of a version and of the steps that check it. Pure."""

from collections.abc import Mapping
from enum import StrEnum


class VersionState(StrEnum):
    CHECKING = "checking"
    PASSED = "passed"  # may be listed and called
    REFUSED = "refused"


class Step(StrEnum):
    """What a version goes through, in this order."""

    FILES = "files"  # paths, weights, card, classes, licence, schema; by the platform
    LOAD = "load"  # from here on by a node
    GOLDEN = "golden"
    PROFILE = "profile"
    EXAMPLES = "examples"


class CheckState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"  # an earlier step failed

    @property
    def is_final(self) -> bool:
        return self not in (CheckState.WAITING, CheckState.RUNNING)


STEPS = tuple(Step)
Checks = Mapping[Step, CheckState]


def advance(checks: Checks, step: Step, state: CheckState) -> dict[Step, CheckState] | None:
    """The steps that change when `step` is reported as `state`, or None where the report comes too late or too early.

    Steps pass one after the other; the first end of a step counts; a failure skips all that follow. A step may be
    reported as running again: its earlier runner was lost.
    """
    if state in (CheckState.WAITING, CheckState.SKIPPED) or checks[step].is_final:
        return None
    position = STEPS.index(step)
    if any(checks[before] is not CheckState.PASSED for before in STEPS[:position]):
        return None
    changes: dict[Step, CheckState] = {step: state}
    if state is CheckState.FAILED:
        changes |= dict.fromkeys(STEPS[position + 1 :], CheckState.SKIPPED)
    return changes


def outcome(checks: Checks) -> VersionState:
    """What the steps together mean for the version."""
    if CheckState.FAILED in checks.values():
        return VersionState.REFUSED
    return VersionState.PASSED if set(checks.values()) == {CheckState.PASSED} else VersionState.CHECKING
