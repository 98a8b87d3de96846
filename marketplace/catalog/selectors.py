"""Queries of the catalogue: models on sale, their prices and measurements."""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q, QuerySet

from billing.pricing.domain import PriceTerms
from billing.pricing.selectors import current_terms, current_terms_of
from inference.domain.rating import rate_call
from inference.selectors import stats_of
from marketplace.catalog.domain import Reference, sku_of
from marketplace.catalog.models import Alias, Listing
from marketplace.core.problems import NotFound
from providers.selectors import version_by_id
from providers.tasks import task_named
from providers.tasks.fields import defaults_of

if TYPE_CHECKING:
    from inference.models import ModelStats

SORTS = ("popular", "newest", "cheapest", "fastest")


@dataclass(frozen=True)
class Offer:
    """A listed model as buyers see it."""

    listing: Listing
    price: PriceTerms
    stats: "ModelStats"

    @property
    def slug(self) -> str:
        return f"{self.listing.model.organization.slug}/{self.listing.model.name}"


@dataclass(frozen=True)
class AliasView:
    """An alias and its current target.

    Attributes:
        offer: its target model; None: the model is not on sale, so calls of the alias are refused.
    """

    alias: Alias
    offer: Offer | None

    @property
    def slug(self) -> str:
        return f"{self.alias.organization.slug}/{self.alias.name}"


def _listings() -> QuerySet[Listing]:
    return Listing.objects.select_related("model__organization", "version")


def _offers(listings: Iterable[Listing]) -> list[Offer]:
    listings = list(listings)
    prices = current_terms_of([sku_of(listing.model_id) for listing in listings])
    stats = stats_of([listing.model_id for listing in listings])
    return [
        Offer(listing, prices[sku], stats[listing.model_id])
        for listing in listings
        if (sku := sku_of(listing.model_id)) in prices
    ]


def offers(*, query: str = "", task: str = "", sort: str = "popular") -> list[Offer]:
    """The models on sale that match, in the order asked for (one of `SORTS`)."""
    listings = _listings().filter(listed=True)
    for word in query.split()[:8]:
        listings = listings.filter(
            Q(model__name__icontains=word)
            | Q(model__organization__slug__icontains=word)
            | Q(model__description__icontains=word)
        )
    if task:
        listings = listings.filter(model__task=task)
    found = _offers(listings.order_by("-created_at"))
    match sort:
        case "cheapest":
            found.sort(key=_usual_amount)
        case "fastest":
            found.sort(key=lambda offer: offer.stats.p50_run_seconds or float("inf"))
        case "popular":
            found.sort(key=lambda offer: -offer.stats.runs)
    return found


def _usual_amount(offer: Offer) -> float:
    """The price of a call with the model's defaults, in micro-units, to compare prices in different units."""
    task, schema = task_named(offer.listing.model.task), offer.listing.version.input_schema
    amount = rate_call(task=task, schema=schema, terms=offer.price, inputs=defaults_of(schema)).amount
    return float("inf") if amount is None else amount  # it depends on the picture


def offer_named(owner: str, name: str) -> Offer:
    """The model of this name. Raises NotFound unless it is on sale."""
    listings = _listings().filter(listed=True, model__organization__slug__iexact=owner, model__name__iexact=name)
    found = _offers(listings[:1]) if Reference(owner, name).is_possible else []
    if not found:
        raise NotFound(f'No model "{owner[:63]}/{name[:63]}" is on sale')
    return found[0]


def offer_for(owner: str, name: str, organization_id: uuid.UUID) -> Offer:
    """As `offer_named`, including the organisation's own aliases."""
    alias = alias_named(owner, name, organization_id)
    return offer_named(alias.model.organization.slug, alias.model.name) if alias else offer_named(owner, name)


def alias_named(owner: str, name: str, organization_id: uuid.UUID | None) -> Alias | None:
    """The organisation's alias `owner/name`, where `owner` must be its own slug; None if there is none."""
    if organization_id is None or not Reference(owner, name).is_possible:
        return None
    return (
        Alias.objects.select_related("organization", "model__organization", "version")
        .filter(organization=organization_id, organization__slug__iexact=owner, name__iexact=name)
        .first()
    )


def aliases_of(organization_id: uuid.UUID) -> QuerySet[Alias]:
    """An organisation's aliases by name; `alias_views` makes a page of them readable."""
    aliases = Alias.objects.filter(organization=organization_id)
    return aliases.select_related("organization", "model__organization", "version").order_by("name", "id")


def alias_views(aliases: Collection[Alias]) -> list[AliasView]:
    """Each of these aliases with its current target."""
    listed = _listings().filter(listed=True, model__in=[alias.model_id for alias in aliases])
    offers = {offer.listing.model_id: offer for offer in _offers(listed)}
    return [AliasView(alias, offers.get(alias.model_id)) for alias in aliases]


def version_on_sale(model_id: uuid.UUID) -> str | None:
    """The id of the version that callers of a listed model get; None if it is not on sale."""
    return Listing.objects.filter(model=model_id, listed=True).values_list("version_id", flat=True).first()


def listings_for_provider(organization_id: uuid.UUID) -> QuerySet[Listing]:
    """The listings of an organisation's models by name, those taken off sale included."""
    return _listings().filter(model__organization=organization_id).order_by("model__name")


def price_of(model_id: uuid.UUID) -> PriceTerms | None:
    """The price of a model in effect now; None if it has none."""
    return current_terms(sku_of(model_id))


def listings_of(model_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Listing]:
    """The listings of those of the models that were ever on sale, by model."""
    return {one.model_id: one for one in _listings().filter(model__in=model_ids)}


def current_prices(model_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, PriceTerms]:
    """The prices in effect now of those of the models that have one."""
    skus = {sku_of(model_id): model_id for model_id in model_ids}
    return {skus[sku]: terms for sku, terms in current_terms_of(list(skus)).items()}


def listed_tasks() -> list[str]:
    """The names of the tasks of all models on sale, sorted."""
    return sorted(set(Listing.objects.filter(listed=True).values_list("model__task", flat=True)))


def is_on_sale(version_id: str) -> bool:
    """Whether callers of the version's model get this version, or a newer one."""
    version = version_by_id(version_id)
    return version is not None and (
        Listing.objects.filter(model=version.model_id, listed=True, version__number__gte=version.number).exists()
    )
