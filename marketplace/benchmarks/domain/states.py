"""The states of a benchmark and of its cells, and what a voter may answer."""

from enum import StrEnum

COMPARED_TASK, SCORING_TASK = "text-to-image", "scoring"
MIN_MODELS, MAX_MODELS = 2, 8
MAX_IN_FLIGHT = 8  # predictions of one benchmark at a time, so that other buyers' calls pass between them
MAX_NAME_LENGTH = 100
MAX_REASON_LENGTH = 300


class State(StrEnum):
    """A benchmark runs until all its cells ended; it pauses when it needs a person's decision."""

    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELED = "canceled"


class CellState(StrEnum):
    """One prompt on one model."""

    WAITING = "waiting"  # no prediction yet
    STARTED = "started"  # its prediction is admitted
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def is_final(self) -> bool:
        return self in (CellState.SUCCEEDED, CellState.FAILED, CellState.CANCELED)


class Choice(StrEnum):
    """What a voter said of two pictures. `first` and `second` are the models in the benchmark's own order."""

    FIRST = "first"
    SECOND = "second"
    TIE = "tie"
    BOTH_BAD = "both_bad"
    SKIPPED = "skipped"  # not counted; the pair does not come again


class Answer(StrEnum):
    """The same as the voter sees it, by the sides of the screen."""

    LEFT = "left"
    RIGHT = "right"
    TIE = "tie"
    BOTH_BAD = "both_bad"
    SKIP = "skip"


def choice_of(answer: Answer, *, swapped: bool) -> Choice:
    """What an answer means for the models; `swapped` says that the first model's picture stood on the right."""
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
