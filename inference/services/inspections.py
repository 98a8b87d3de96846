"""The part of a version's checks that needs a node: claimed, leased and fenced as predictions are."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from inference.domain.files import MEDIA_TYPES
from inference.domain.lifecycle import INSPECTOR_LOST, LEASE_SECONDS, MAX_ATTEMPTS, InspectionState
from inference.models import Example, Inspection
from inference.services import thumbnails
from inference.services.dispatch import PLACEMENT_QUEUE
from marketplace.core.events import Payload
from marketplace.core.messages import send_notice
from marketplace.core.problems import FieldError
from providers.domain import STEPS, CheckState, Step
from providers.selectors import checks_of, version_by_id
from providers.services.checks import record_check

log = logging.getLogger(__name__)

INSPECT_TASK = "inference.inspect"


class ClaimLost(Exception):
    """Another node has the inspection now: stop, and report nothing more."""


@dataclass(frozen=True)
class Claim:
    """An inspection that this node holds while `attempt` is the current one."""

    version: str
    attempt: int
    node: str


@dataclass(frozen=True)
class Picture:
    """A file that an example run made from `input`; its bytes are in the store already."""

    position: int
    input: Mapping[str, Any]
    sha256: str
    media_type: str
    size: int
    width: int | None
    height: int | None
    seconds: float


def on_version_checked(payloads: Sequence[Payload]) -> None:
    """Have a node inspect each version. A repeated event changes nothing."""
    for payload in payloads:
        # A version whose repository was deleted meanwhile would make the whole delivery fail at commit.
        if version_by_id(payload["version"]) is not None:
            Inspection.objects.get_or_create(version_id=payload["version"])
    transaction.on_commit(notify_node)


def notify_node() -> None:
    """Tell one node that an inspection waits."""
    send_notice(INSPECT_TASK, queue=PLACEMENT_QUEUE)


@transaction.atomic
def claim(*, node: str) -> Claim | None:
    """Claim the waiting inspection of the oldest version; skip those that another node is claiming."""
    waiting = Inspection.objects.filter(state=InspectionState.WAITING).order_by("version__created_at")
    found = waiting.select_for_update(skip_locked=True, of=("self",)).first()
    if found is None:
        return None
    found.state, found.attempt, found.node_id = InspectionState.RUNNING, found.attempt + 1, node
    found.lease_until = timezone.now() + timedelta(seconds=LEASE_SECONDS)
    found.save()
    return Claim(found.version_id, found.attempt, node)


def renew(claim: Claim) -> bool:
    """Extend the lease, and return whether this node still holds the inspection."""
    until = timezone.now() + timedelta(seconds=LEASE_SECONDS)
    return bool(_held(claim).update(lease_until=until))


@transaction.atomic
def report(
    claim: Claim,
    *,
    step: Step,
    state: CheckState,
    detail: Mapping[str, Any] | None = None,
    errors: Sequence[FieldError] = (),
    picture: Picture | None = None,
) -> None:
    """Record the progress of a step, with the picture it made, if any. The last report ends the inspection.

    Raises:
        ClaimLost: nothing was recorded.
    """
    if not _held(claim).select_for_update().exists():
        raise ClaimLost(claim.version)
    if picture is not None:
        found = vars(picture) | {"input": dict(picture.input)}
        Example.objects.update_or_create(version_id=claim.version, position=picture.position, defaults=found)
        if picture.media_type in MEDIA_TYPES.values():
            thumbnails.queue([picture.sha256])
    record_check(version=claim.version, step=step, state=state, detail=detail, errors=errors)
    if state is CheckState.FAILED or (step is STEPS[-1] and state is CheckState.PASSED):
        _held(claim).update(state=InspectionState.DONE, lease_until=None, ended_at=timezone.now())


def take_back(*, node: str | None = None, lost: bool = True) -> int:
    """Take back the inspections that a node claimed, or (without `node`) every claim whose lease has expired.

    Steps that passed stay passed; an inspection fails after `MAX_ATTEMPTS` losses.

    Args:
        lost: whether the node was lost, rather than handing the inspection back as it stops.

    Returns:
        how many inspections wait again.
    """
    with transaction.atomic():
        claimed = Inspection.objects.filter(state=InspectionState.RUNNING).filter(
            Q(node=node) if node is not None else Q(lease_until__lt=timezone.now())
        )
        again = 0
        for inspection in claimed.select_for_update(skip_locked=True):
            inspection.losses += lost
            if inspection.losses >= MAX_ATTEMPTS:
                _give_up(inspection)
            else:
                inspection.state, inspection.node, inspection.lease_until = InspectionState.WAITING, None, None
                again += 1
            inspection.save()
    if again:
        log.warning("took back %d inspection(s) of %s", again, node or "nodes whose lease ran out")
        notify_node()
    return again


def _give_up(inspection: Inspection) -> None:
    inspection.state, inspection.lease_until, inspection.ended_at = InspectionState.DONE, None, timezone.now()
    version = version_by_id(inspection.version_id)
    open_steps = [check.step for check in checks_of(version) if not CheckState(check.state).is_final] if version else []
    if open_steps:
        error = FieldError("", INSPECTOR_LOST.format(attempts=MAX_ATTEMPTS))
        record_check(version=inspection.version_id, step=Step(open_steps[0]), state=CheckState.FAILED, errors=[error])


def _held(claim: Claim) -> Any:
    return Inspection.objects.filter(
        version=claim.version, attempt=claim.attempt, node=claim.node, state=InspectionState.RUNNING
    )
