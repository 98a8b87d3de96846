"""The first check step: examine a version's files in the store, without running them."""

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta

from django.db import DatabaseError, transaction
from django.db.models import Q
from django.utils import timezone

from marketplace.core.files import references_in
from marketplace.core.outbox import emit
from marketplace.core.problems import FieldError
from marketplace.core.storage import blob_store
from providers.domain import CheckState, Step
from providers.models import GenerativeModel, ModelVersion, VersionCheck
from providers.selectors import files_of, version_by_id
from providers.services.checks import record_check
from providers.tasks.samples import samples
from providers.validation.folder import CheckedFolder, check_files
from providers.validation.paths import check_paths
from providers.validation.refusal import FolderRefused
from providers.validation.source import Source, StoredSource

log = logging.getLogger(__name__)

OVERDUE = timedelta(seconds=30)
OUR_FAULT = "could not be checked: something failed on our side. Upload it once more, or ask the operator"


def check_version(*, version_id: str) -> None:
    """Do the step `files` of a version. Doing it twice, even concurrently, is harmless: its files never change.

    Raises:
        OSError, DatabaseError: the store or the database is unavailable; the sweep tries again.
    """
    version = version_by_id(version_id)
    if version is None or not record_check(version=version_id, step=Step.FILES, state=CheckState.RUNNING):
        return
    sizes = {path: size for path, _, size in files_of(version)}
    files: Mapping[str, Source] = {path: StoredSource(sha256, size) for path, sha256, size in files_of(version)}
    try:
        if errors := check_paths(sizes):
            raise FolderRefused(errors)
        checked = check_files(files)
    except FolderRefused as refused:
        _fail(version, refused.errors)
    except (OSError, DatabaseError, LookupError):
        raise
    except Exception:
        log.exception("the files of version %s could not be checked", version_id)
        _fail(version, [FieldError(".", OUR_FAULT)])
    else:
        _pass(version, checked)


def _fail(version: ModelVersion, errors: Sequence[FieldError]) -> None:
    record_check(version=version.pk, step=Step.FILES, state=CheckState.FAILED, errors=errors)


@transaction.atomic
def _pass(version: ModelVersion, checked: CheckedFolder) -> None:
    """Store what was read from the files, and pass the version on to the nodes."""
    model = GenerativeModel.objects.select_for_update(no_key=True).get(pk=version.model_id)
    if model.task and model.task != checked.task.name:
        detail = f"this model is for {model.task}; publish {checked.task.name} under another name"
        _fail(version, [FieldError("model_index.json", detail)])
        return
    found = {
        "files": len(checked.files),
        "bytes": version.size,
        "parameters": checked.parameters,
        "task": checked.task.name,
        "pipeline_class": checked.components.pipeline_class,
        "license": checked.card.license,
        "fields": len(checked.input_schema["properties"]),
    }
    for sample in samples():
        if any(sample.reference in references_in(trial).values() for trial in checked.trials):
            blob_store().put(sample.data)
    if not record_check(version=version.pk, step=Step.FILES, state=CheckState.PASSED, detail=found):
        return  # another process recorded it first
    ModelVersion.objects.filter(pk=version.pk).update(
        pipeline_class=checked.components.pipeline_class,
        input_schema=checked.input_schema,
        card=checked.card.text,
        description=checked.card.description,
        license=checked.card.license,
        tags=list(checked.card.tags),
        trials=checked.trials,
    )
    if not model.task:
        GenerativeModel.objects.filter(pk=model.pk).update(task=checked.task.name)
        show_version(version=ModelVersion.objects.get(pk=version.pk))
    emit("version.checked", {"version": version.pk})


def show_version(*, version: ModelVersion) -> None:
    """Copy this version's card, description, licence and tags to its model."""
    GenerativeModel.objects.filter(pk=version.model_id).update(
        card=version.card, description=version.description, license=version.license, tags=version.tags
    )


def overdue() -> list[str]:
    """Versions whose file check has not begun, or has run for too long without a report."""
    before = timezone.now() - OVERDUE
    checks = VersionCheck.objects.filter(step=Step.FILES, state__in=[CheckState.WAITING, CheckState.RUNNING])
    checks = checks.filter(Q(started_at__lt=before) | Q(started_at=None, version__created_at__lt=before))
    return list(checks.values_list("version_id", flat=True)[:100])
