"""Many models on sale at once, put in without their checks."""

import hashlib
import uuid
from collections.abc import Callable, Sequence

from billing.pricing.domain import Unit
from billing.pricing.models import Price
from marketplace.accounts.models import Organization
from marketplace.catalog.domain import sku_of
from marketplace.catalog.models import Listing
from marketplace.catalog.services import entries
from marketplace.core.ids import new_id
from providers.domain import VersionState
from providers.models import GenerativeModel, ModelVersion
from tests.support.parties import Party, make_party

BATCH = 500
SCHEMA = {
    "type": "object",
    "required": ["prompt"],
    "properties": {
        "prompt": {"type": "string"},
        "width": {"type": "integer", "default": 64},
        "height": {"type": "integer", "default": 64},
        "num_outputs": {"type": "integer", "default": 1},
        "num_inference_steps": {"type": "integer", "default": 1},
    },
}


def make_listings(
    count: int,
    *,
    provider: Party | None = None,
    description: Callable[[int], str] = "Icon number {}".format,
    price: Callable[[int], int] = lambda number: 1_000 + number,
) -> list[Listing]:
    """That many models on sale with their entries, in the order of their ids."""
    organization = (provider or make_party(can_buy=False, can_provide=True)).organization
    models = [_model(organization, number, description(number)) for number in range(count)]
    versions = [_version(model) for model in models]
    GenerativeModel.objects.bulk_create(models)
    ModelVersion.objects.bulk_create(versions)
    Price.objects.bulk_create([_price(model, price(number)) for number, model in enumerate(models)])
    listings = Listing.objects.bulk_create(
        [Listing(model=model, version=version) for model, version in zip(models, versions, strict=True)]
    )
    refresh([model.pk for model in models])
    return listings


def refresh(model_ids: Sequence[uuid.UUID]) -> None:
    for start in range(0, len(model_ids), BATCH):
        entries.refresh(model_ids[start : start + BATCH])


def _model(organization: Organization, number: int, description: str) -> GenerativeModel:
    return GenerativeModel(
        id=new_id(),
        organization=organization,
        name=f"n{number:05}",
        task="text-to-image",
        description=description,
        card=f"# {description}\n\nA card.",
        license="apache-2.0",
    )


def _version(model: GenerativeModel) -> ModelVersion:
    return ModelVersion(
        id=hashlib.sha1(model.pk.bytes).hexdigest(),
        model=model,
        number=1,
        state=VersionState.PASSED,
        input_schema=SCHEMA,
        size=1,
    )


def _price(model: GenerativeModel, amount: int) -> Price:
    return Price(
        sku=sku_of(model.pk),
        version=1,
        unit=Unit.REQUEST,
        amount=amount,
        currency="USD",
        payee=str(model.organization_id),
        fee_bps=0,
    )
