from typing import TYPE_CHECKING

from django.db import transaction

from billing.pricing.selectors import current_terms
from marketplace.accounts import policy
from marketplace.accounts.domain import Actor
from marketplace.accounts.policy import Action
from marketplace.accounts.services import audit
from marketplace.catalog.domain import sku_of
from marketplace.catalog.models import Listing
from marketplace.catalog.services import entries
from marketplace.core.problems import Conflict
from providers.domain import VersionState
from providers.selectors import version_by_id
from providers.services.check_files import show_version

if TYPE_CHECKING:
    from providers.models import ModelVersion


class NotPassed(Conflict):
    """Only a version that passed all its checks can be on sale."""

    kind, title = "version-not-passed", "The version cannot be listed"

    def __init__(self, version: "ModelVersion") -> None:
        if version.state == VersionState.REFUSED:
            why = "was refused by its checks; publish a corrected folder as the next version"
        elif version.state == VersionState.CHECKING:
            why = "is still being checked; it can be listed once all steps have passed"
        else:
            why = "was withdrawn; list another"
        super().__init__(f"Version {version.number} {why}")


@transaction.atomic
def list_version(*, version: "ModelVersion", actor: Actor) -> Listing:
    """Put a version on sale as the current one of its model. A repetition changes nothing.

    Raises:
        Forbidden, NotFound: see `policy.require`.
        NotPassed: the version has not passed its checks, or was withdrawn.
        Conflict: the model has no price yet.
    """
    policy.require(actor, Action.LIST_MODEL, of=version.model.organization_id)
    current = version_by_id(version.pk)
    if current is None or current.state != VersionState.PASSED or current.withdrawn_at is not None:
        raise NotPassed(current or version)
    if current_terms(sku_of(version.model_id)) is None:
        raise Conflict("Set a price before the model is listed")
    before = Listing.objects.select_for_update().filter(model=version.model_id).first()
    if before is not None and before.listed and before.version_id == version.pk:
        return before
    listing, _ = Listing.objects.update_or_create(
        model_id=version.model_id, defaults={"version": version, "listed": True}
    )
    show_version(version=current)
    entries.refresh([version.model_id])
    audit.record(actor, action="model.listed", subject=str(version.model_id), version=version.pk)
    return listing


@transaction.atomic
def unlist(*, listing: Listing, actor: Actor) -> None:
    """Take a model off sale: new calls are refused, running ones finish. A repetition changes nothing.

    Raises:
        Forbidden, NotFound: see `policy.require`.
    """
    policy.require(actor, Action.UNLIST_MODEL, of=listing.model.organization_id)
    current = Listing.objects.select_for_update().get(pk=listing.pk)  # of two concurrent calls, one changes it
    if not current.listed:
        return
    current.listed = False
    current.save(update_fields=["listed", "updated_at"])
    entries.refresh([listing.model_id])
    audit.record(actor, action="model.unlisted", subject=str(listing.model_id))
