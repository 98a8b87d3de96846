"""Makes a version pass its checks without a node."""

from marketplace.catalog.models import Listing
from marketplace.catalog.services.publish import on_version_passed
from providers.domain import STEPS, CheckState, Step
from providers.models import ModelVersion
from providers.services.check_files import check_version
from providers.services.checks import record_check


def pass_checks(version: ModelVersion) -> ModelVersion:
    """Check the files as the platform worker does, and record the other steps as passed."""
    check_version(version_id=version.pk)
    for step in STEPS[1:]:
        record_check(version=version.pk, step=Step(step), state=CheckState.RUNNING)
        record_check(version=version.pk, step=Step(step), state=CheckState.PASSED)
    version.refresh_from_db()
    return version


def pass_and_list(version: ModelVersion) -> Listing:
    """As `pass_checks`, then fulfil the pending listing."""
    pass_checks(version)
    on_version_passed([{"version": version.pk}])
    return Listing.objects.select_related("model__organization", "version").get(model=version.model_id)
