"""Resolves a name to a version and a price."""

import threading
import time
import uuid
from functools import lru_cache

from billing.outcomes.selectors import contract_terms
from billing.pricing.selectors import current_terms
from inference.domain.admission import InputCheck
from inference.services.admit import CallTarget
from marketplace.accounts.domain import Actor
from marketplace.catalog.domain import NUMBERED, VERSION_ID, Reference, sku_of
from marketplace.catalog.models import Alias, Listing
from marketplace.core.problems import NotFound
from providers import tasks
from providers.selectors import version_by_id, versions_of

CACHE_SECONDS = 2.0
MAX_CACHED = 10_000

# A model's name is global, an alias is valid for its organisation only.
Kept = tuple[Reference, uuid.UUID | None]

_lock = threading.Lock()
_kept: dict[Kept, tuple[float, CallTarget]] = {}


def resolve(reference: Reference, *, organization_id: uuid.UUID | None = None) -> CallTarget:
    """The call target of this name for an organisation, from a snapshot that is at most two seconds old.

    An old snapshot is harmless: admission checks version and price again in the statement that holds the money.

    Args:
        organization_id: the caller's organisation, whose aliases are included.

    Raises:
        NotFound: no such model is on sale, or it has no such version.
    """
    found = kept(reference, organization_id=organization_id)
    if found is not None:
        return found
    alias = _alias(reference, organization_id)
    target = look_up(reference) if alias is None else _look_up_alias(alias, reference)
    with _lock:
        if len(_kept) >= MAX_CACHED:
            _kept.clear()
        scope = None if alias is None else organization_id
        _kept[reference, scope] = (time.monotonic() + CACHE_SECONDS, target)
    return target


def kept(reference: Reference, *, organization_id: uuid.UUID | None = None) -> CallTarget | None:
    """The snapshot of `resolve` if there is a fresh one; never touches the database."""
    with _lock:
        snapshots = [_kept.get((reference, scope)) for scope in (None, organization_id)]
    return next((found[1] for found in snapshots if found is not None and found[0] > time.monotonic()), None)


def forget(reference: Reference, *, organization_id: uuid.UUID | None = None) -> None:
    """Drop the snapshot, after admission found it outdated."""
    with _lock:
        _kept.pop((reference, None), None)
        _kept.pop((reference, organization_id), None)


def _alias(reference: Reference, organization_id: uuid.UUID | None) -> Alias | None:
    """The organisation's alias of this name."""
    if organization_id is None or not reference.is_possible:
        return None
    return (
        Alias.objects.select_related("model__organization", "version")
        .filter(organization=organization_id, organization__slug__iexact=reference.owner, name__iexact=reference.name)
        .first()
    )


def _look_up_alias(alias: Alias, reference: Reference) -> CallTarget:
    """The call target of an alias; a version in the reference is a version of the target model."""
    target = Reference(alias.model.organization.slug, alias.model.name, reference.version or alias.version_id)
    try:
        return look_up(target)
    except NotFound as problem:
        name = f"{reference.owner}/{reference.name}"
        raise NotFound(f"{name} points to {target.owner}/{target.name}. {problem.detail}") from None


def look_up(reference: Reference) -> CallTarget:
    """As `resolve`, from the database."""
    slug = f"{reference.owner}/{reference.name}"
    listing = (
        Listing.objects.select_related("model__organization", "version")
        .filter(listed=True, model__organization__slug__iexact=reference.owner, model__name__iexact=reference.name)
        .first()
        if reference.is_possible
        else None
    )
    if listing is None:
        raise NotFound(f'No model "{slug[:140]}" is on sale. The models are listed at /models.')
    version, wanted = listing.version, reference.version
    if wanted is not None and wanted not in ("latest", version.pk):
        if numbered := NUMBERED.fullmatch(wanted):
            found = versions_of(listing.model).filter(number=int(numbered[1])).first()
        else:
            found = versions_of(listing.model).filter(pk=wanted).first() if VERSION_ID.fullmatch(wanted) else None
        if found is None:
            raise NotFound(f'{slug} has no version "{wanted[:60]}"; its versions are at /v1/models/{slug}/versions')
        version = found
    terms = current_terms(sku_of(listing.model_id))
    if terms is None:
        raise NotFound(f'No model "{slug}" is on sale: it has no price.')
    return CallTarget(
        model_id=listing.model_id,
        model=f"{listing.model.organization.slug}/{listing.model.name}",
        version=version.pk,
        task=tasks.task_named(listing.model.task),
        check=input_check(version.pk),
        terms=terms,
    )


def under_contract(target: CallTarget, contract_id: uuid.UUID, caller: Actor) -> CallTarget:
    """The call under one of the caller's outcome contracts; admission checks that the contract is in force.

    Raises:
        NotFound: the caller's organisation has no such contract.
        Invalid: the contract is about another model.
    """
    return target.under(contract_terms(contract_id, str(caller.organization_id)))


def reference_of_version(version_id: str) -> Reference:
    """The reference of a bare version id, which is unique across models.

    Raises:
        NotFound: there is no such version.
    """
    version = version_by_id(version_id) if VERSION_ID.fullmatch(version_id) else None
    if version is None:
        raise NotFound(f'There is no version "{version_id[:60]}"; use 40 hexadecimal digits or owner/name')
    return Reference(version.model.organization.slug, version.model.name, version.pk)


@lru_cache(maxsize=1024)
def input_check(version_id: str) -> InputCheck:
    """The compiled input schema of a version, which never changes."""
    version = version_by_id(version_id)
    if version is None:
        raise NotFound(f"There is no version {version_id}")
    return InputCheck.compile(version.input_schema)
