"""Records the results of the steps of a version's checks."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from marketplace.accounts.selectors import platform_for
from marketplace.accounts.services import audit
from marketplace.core.outbox import emit
from marketplace.core.problems import FieldError
from providers.domain import CheckState, Step, VersionState, advance, outcome
from providers.models import ModelVersion, VersionCheck


@transaction.atomic
def record_check(
    *,
    version: str,
    step: Step,
    state: CheckState,
    detail: Mapping[str, Any] | None = None,
    errors: Sequence[FieldError] = (),
) -> bool:
    """Record that a step runs, with its findings so far, or how it ended.

    Reports of one version wait for each other. When the last step passes, the version passes (`version.passed`). A step
    that fails refuses the version and skips the following steps (`version.refused`).

    Returns:
        whether the report was recorded: not if the step had already ended, or an earlier step has not.
    """
    locked = ModelVersion.objects.select_for_update(of=("self",), no_key=True)
    found = locked.select_related("model__organization").get(pk=version)
    checks = {Step(check.step): check for check in VersionCheck.objects.filter(version=found)}
    if not checks:
        return False
    changes = advance({key: CheckState(check.state) for key, check in checks.items()}, step, state)
    if changes is None:
        return False
    now = timezone.now()
    for changed, new in changes.items():
        check = checks[changed]
        check.state = new
        if changed is step:
            check.detail = dict(detail or {})
            check.errors = [{"field": error.field, "detail": error.detail} for error in errors]
            check.started_at = check.started_at or now
        check.ended_at = now if new.is_final else None
        check.save()
    _conclude(found, outcome({key: CheckState(check.state) for key, check in checks.items()}), step)
    return True


def _conclude(version: ModelVersion, state: VersionState, step: Step) -> None:
    """Set the version's state and emit it as an event once the steps have decided."""
    if state is VersionState.CHECKING:
        return
    version.state = state
    version.save(update_fields=["state"])
    audit.record(
        platform_for(version.model.organization),
        action=f"version.{state.value}",
        subject=version.pk,
        model=version.model.name,
        number=version.number,
        step=step.value,
    )
    emit(f"version.{state.value}", {"version": version.pk, "model": str(version.model_id)})
