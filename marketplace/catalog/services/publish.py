"""Publishes a folder, prices it, and lists it once it has passed its checks."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import transaction

from billing.pricing.services.prices import check_amount
from marketplace.accounts import policy
from marketplace.accounts.domain import Actor
from marketplace.accounts.policy import Action
from marketplace.accounts.selectors import platform_for
from marketplace.catalog.models import Listing, PendingListing
from marketplace.catalog.services.listing import list_version
from marketplace.catalog.services.pricing import price_model
from marketplace.core.events import Payload
from marketplace.core.problems import Problem
from providers.domain import VersionState
from providers.selectors import version_by_id
from providers.services.publish import publish_folder

if TYPE_CHECKING:
    from providers.models import ModelVersion

log = logging.getLogger(__name__)

TO_SELL = (Action.SET_PRICE, Action.LIST_MODEL)


def publish(*, actor: Actor, folder: Path, name: str, unit_price: int) -> "ModelVersion":
    """Publish a folder as the organisation's model `name`; it is priced and listed once it has passed its checks.

    Args:
        unit_price: micro-units for one unit of the model's task, for example one image.

    Returns:
        the version, which usually is still being checked.

    Raises:
        FolderRefused, Forbidden, Conflict, Invalid: see `publish_folder` and `set_price`; nothing was changed.
    """
    for action in TO_SELL:
        policy.check(actor, action)  # before anything is committed; `list_when_passed` checks again
    check_amount(unit_price)
    version = publish_folder(actor=actor, folder=folder, name=name)
    list_when_passed(version=version, unit_price=unit_price, actor=actor)
    return version


def list_when_passed(*, version: "ModelVersion", unit_price: int, actor: Actor) -> None:
    """Price and list a version: now if it has passed its checks, else as soon as it has.

    The permission is checked now; a role that the actor loses later does not stop the listing.

    Raises:
        Forbidden, NotFound: see `policy.require`.
        NotPassed: the version was refused.
    """
    with transaction.atomic():
        for action in TO_SELL:
            policy.require(actor, action, of=version.model.organization_id)
        pending = {"unit_price": unit_price, "actor_id": actor.user_id}
        PendingListing.objects.update_or_create(version=version, defaults=pending)
    # Checked after the pending listing is stored: the process that records the last check later will find it.
    now = version_by_id(version.pk)
    if now is not None and now.state != VersionState.CHECKING:
        _fulfil_pending_listing(version.pk)


def on_version_passed(payloads: Sequence[Payload]) -> None:
    """Outbox subscriber of `version.passed`: fulfil the pending listing."""
    for payload in payloads:
        try:
            _fulfil_pending_listing(payload["version"])
        except Problem as problem:  # the version was withdrawn meanwhile: a retry would fail too
            log.warning("version %s is not listed: %s", payload["version"], problem.detail)
            PendingListing.objects.filter(version=payload["version"]).delete()


def on_version_refused(payloads: Sequence[Payload]) -> None:
    """Outbox subscriber of `version.refused`: delete the pending listing."""
    PendingListing.objects.filter(version__in=[payload["version"] for payload in payloads]).delete()


@transaction.atomic
def _fulfil_pending_listing(version_id: str) -> None:
    """Fulfil the pending listing, once. A newer version that is on sale stays on sale."""
    pending = PendingListing.objects.select_for_update().filter(version=version_id).first()
    version = version_by_id(version_id)
    if pending is None or version is None:
        return
    actor = platform_for(version.model.organization, user_id=pending.actor_id)
    price_model(model=version.model, amount=pending.unit_price, actor=actor)
    if not Listing.objects.filter(model=version.model_id, listed=True, version__number__gt=version.number).exists():
        list_version(version=version, actor=actor)
    pending.delete()
