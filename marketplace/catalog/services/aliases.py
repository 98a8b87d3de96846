"""An organisation's own names for models, which can be moved without touching whoever calls them."""

import uuid
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models.functions import Now

from inference.services.admit import CallTarget
from marketplace.accounts.domain import NameKind
from marketplace.accounts.services import audit
from marketplace.accounts.services.names import claim_name, release_name
from marketplace.catalog.domain import Reference, parse_reference
from marketplace.catalog.models import Alias
from marketplace.catalog.services import resolution
from marketplace.core.problems import Conflict, FieldError, Invalid, NotFound

if TYPE_CHECKING:
    from marketplace.accounts.models import Organization, User


class AliasMoved(Conflict):
    kind, title = "alias-moved", "The alias was moved in the meantime"


@transaction.atomic
def create_alias(
    *,
    organization: "Organization",
    name: str,
    target: str,
    actor: "User | None" = None,
    key_id: uuid.UUID | None = None,
) -> Alias:
    """Make `organization/name` a name for `target`.

    Args:
        target: `owner/name`, or `owner/name@v2` and the like to pin a version.
        key_id: the API key that asked, where no person did.

    Raises:
        Invalid: the name or the target cannot be one, or no such model is on sale.
        NameTaken: a model or an alias of the organisation has the name.
    """
    found, pinned = _target(target)
    canonical = claim_name(organization_id=organization.pk, name=name, kind=NameKind.ALIAS)
    Alias.objects.create(organization=organization, name=canonical, model_id=found.model_id, version_id=pinned)
    alias = _locked(organization, canonical)
    _record("alias.created", alias, actor=actor, key_id=key_id, target=alias.target)
    return alias


@transaction.atomic
def move_alias(
    *,
    organization: "Organization",
    name: str,
    target: str,
    expected: str | None = None,
    actor: "User | None" = None,
    key_id: uuid.UUID | None = None,
) -> Alias:
    """Point an alias elsewhere. Calls that were admitted before run what they were admitted for.

    Web processes keep what a name means for up to two seconds, so that long callers may still get the old target.

    Args:
        expected: what it points to as far as the one who moves it knows; None: whatever it is.

    Raises:
        NotFound: the organisation has no such alias.
        Invalid: the target cannot be one, or is not on sale.
        AliasMoved: it points elsewhere than `expected`; nothing was changed.
    """
    alias = _locked(organization, name)
    before = alias.target
    if expected is not None and expected != before:
        raise AliasMoved(f"{organization.slug}/{alias.name} points to {before} by now. Look again, then move it.")
    found, pinned = _target(target)
    if (alias.model_id, alias.version_id) == (found.model_id, pinned):
        return alias
    Alias.objects.filter(pk=alias.pk).update(model=found.model_id, version=pinned, moved_at=Now())
    alias = _locked(organization, name)
    _record("alias.moved", alias, actor=actor, key_id=key_id, before=before, target=alias.target)
    transaction.on_commit(
        lambda: resolution.forget(Reference(organization.slug, alias.name), organization_id=organization.pk)
    )
    return alias


@transaction.atomic
def delete_alias(
    *, organization: "Organization", name: str, actor: "User | None" = None, key_id: uuid.UUID | None = None
) -> None:
    """Take an alias away: calls of it are refused from then on, and its name is free.

    Raises:
        NotFound: the organisation has no such alias.
    """
    alias = _locked(organization, name)
    _record("alias.deleted", alias, actor=actor, key_id=key_id, target=alias.target)
    release_name(organization_id=organization.pk, name=alias.name)
    alias.delete()
    transaction.on_commit(
        lambda: resolution.forget(Reference(organization.slug, alias.name), organization_id=organization.pk)
    )


def _locked(organization: "Organization", name: str) -> Alias:
    alias = (
        Alias.objects.select_for_update(of=("self",))
        .select_related("model__organization", "version")
        .filter(organization=organization, name__iexact=name)
        .first()
        if "\0" not in name
        else None
    )
    if alias is None:
        raise NotFound(f'{organization.slug} has no alias "{name[:63]}"')
    return alias


def _target(text: str) -> tuple[CallTarget, str | None]:
    """What the text names, and the version if it pins one."""
    reference = parse_reference(text.strip())
    if reference is None:
        wrong = FieldError("target", "Write it as owner/name, or as owner/name@v2 to pin a version")
        raise Invalid("The alias was not changed", errors=[wrong])
    try:
        found = resolution.look_up(reference)
    except NotFound as problem:
        raise Invalid("The alias was not changed", errors=[FieldError("target", problem.detail)]) from None
    return found, found.version if reference.version not in (None, "latest") else None


def _record(action: str, alias: Alias, *, actor: "User | None", key_id: uuid.UUID | None, **facts: str) -> None:
    by_key = {"api_key": str(key_id)} if key_id else {}
    audit.record(
        action=action,
        subject=str(alias.pk),
        organization=alias.organization,
        actor=actor,
        name=alias.name,
        **facts,
        **by_key,
    )
