"""Letting a version pass its checks where no node runs."""

from marketplace.catalog.models import Listing
from marketplace.catalog.services.publish import on_version_passed
from providers.domain import STEPS, CheckState, Step
from providers.models import ModelVersion
from providers.services.check_files import check_version
from providers.services.checks import record_check


def pass_checks(version: ModelVersion) -> ModelVersion:
    """Check the files as the platform's worker does, and record the other steps as a node would that found no fault."""
    check_version(version_id=version.pk)
    for step in STEPS[1:]:
        record_check(version=version.pk, step=Step(step), state=CheckState.RUNNING)
        record_check(version=version.pk, step=Step(step), state=CheckState.PASSED)
    version.refresh_from_db()
    return version


def pass_and_list(version: ModelVersion) -> Listing:
    """As `pass_checks`, and what the news of it leads to: the listing that was waiting for it."""
    pass_checks(version)
    on_version_passed([{"version": version.pk}])
    return Listing.objects.select_related("model__organization", "version").get(model=version.model_id)
