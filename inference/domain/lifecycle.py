"""The states of a prediction and what ends it."""

from enum import StrEnum

MAX_ATTEMPTS = 3
LEASE_SECONDS = 20
RENEW_SECONDS = 5
HOLD_HOURS = 24
MAX_WAIT_HOURS = HOLD_HOURS - 1  # for a node; the hold must outlive the run
MAX_REASON_LENGTH = 500  # of a reviewer's


class Status(StrEnum):
    STARTING = "starting"  # admitted, waits for a node
    PROCESSING = "processing"  # claimed by a node
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def is_final(self) -> bool:
        return self in FINAL


FINAL = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELED})


class InspectionState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"


class Origin(StrEnum):
    """The interface through which a prediction was created."""

    API = "api"
    CONSOLE = "console"
    DEMO = "demo"
    BENCHMARK = "benchmark"


# Why a finished prediction was not billed, as its receipt says it.
NOT_BILLED_REASONS = {
    Status.FAILED: "failed: a prediction that fails is free",
    Status.CANCELED: "canceled: nothing was delivered, so nothing is charged",
}
NEVER_STARTED = f"No node took this up within {MAX_WAIT_HOURS} hours."
INSPECTOR_LOST = (
    "The node was lost {attempts} times while it did this, so the model may be more than it can take. "
    "Publish smaller or half-precision weights, or ask the operator for a larger node."
)
NODE_LOST = "The node running this was lost {attempts} times; the input may be more than it can take."
