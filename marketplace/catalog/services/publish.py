"""What a provider does in one go: publish a folder, price it, put it on sale."""

from pathlib import Path
from typing import TYPE_CHECKING

from django.db import transaction

from billing.domain import Unit
from billing.services.prices import set_price
from marketplace.catalog.domain import sku_of
from marketplace.catalog.models import Listing
from marketplace.catalog.services.listing import list_version
from providers import tasks
from providers.services.publish import publish_folder

if TYPE_CHECKING:
    from marketplace.accounts.models import Organization, User


def publish(
    *, folder: Path, organization: "Organization", name: str, unit_price: int, publisher: "User | None" = None
) -> Listing:
    """Publish a folder as `organization/name` at a price and list it.

    Args:
        unit_price: micro-units for one unit of the model's task, for example one image.

    Raises:
        FolderRefused, Forbidden, Conflict, Invalid: as `publish_folder` and `set_price` say; nothing is on sale then.
    """
    version = publish_folder(folder=folder, organization=organization, name=name, publisher=publisher)
    with transaction.atomic():
        set_price(
            sku=sku_of(version.model_id),
            unit=Unit(tasks.task_named(version.model.task).unit),
            amount=unit_price,
            payee=str(organization.pk),
        )
        return list_version(version=version, actor=publisher)
