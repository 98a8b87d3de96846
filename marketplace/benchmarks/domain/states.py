"""The states of a benchmark and of its cells, and the answers of voters."""

from enum import StrEnum

COMPARED_TASK, SCORING_TASK = "text-to-image", "scoring"
MIN_MODELS, MAX_MODELS = 2, 8
MAX_IN_FLIGHT = 8  # predictions of one benchmark at a time, so that it does not delay other buyers' calls
MAX_NAME_LENGTH = 100
MAX_REASON_LENGTH = 300


class State(StrEnum):
    """A benchmark runs until all its cells have ended; it pauses when a person must decide."""

    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELED = "canceled"


class CellState(StrEnum):
    """The state of one prompt on one model."""

    WAITING = "waiting"  # no prediction yet
    STARTED = "started"  # its prediction is admitted
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def is_final(self) -> bool:
        """Whether the state no longer changes."""
        return self in (CellState.SUCCEEDED, CellState.FAILED, CellState.CANCELED)


class Choice(StrEnum):
    """A vote on two pictures, by model. `first` and `second` are in the benchmark's order."""

    FIRST = "first"
    SECOND = "second"
    TIE = "tie"
    BOTH_BAD = "both_bad"
    SKIPPED = "skipped"  # not counted; the pair is not shown again


class Answer(StrEnum):
    """A vote on two pictures, by the sides of the screen."""

    LEFT = "left"
    RIGHT = "right"
    TIE = "tie"
    BOTH_BAD = "both_bad"
    SKIP = "skip"


def choice_of(answer: Answer, *, swapped: bool) -> Choice:
    """The vote by model of an answer by side; `swapped`: the first model's picture was on the right."""
    match answer:
        case Answer.LEFT:
            return Choice.SECOND if swapped else Choice.FIRST
        case Answer.RIGHT:
            return Choice.FIRST if swapped else Choice.SECOND
        case Answer.TIE:
            return Choice.TIE
        case Answer.BOTH_BAD:
            return Choice.BOTH_BAD
        case Answer.SKIP:
            return Choice.SKIPPED
