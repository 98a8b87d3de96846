"""An organisation's own names for models, which can be moved without changing the callers."""

from django.db import transaction
from django.db.models.functions import Now

from inference.services.admit import CallTarget
from marketplace.accounts import policy
from marketplace.accounts.domain import Actor, NameKind
from marketplace.accounts.policy import Action
from marketplace.accounts.services import audit
from marketplace.accounts.services.names import claim_name, release_name
from marketplace.catalog.domain import Reference, parse_reference
from marketplace.catalog.models import Alias
from marketplace.catalog.services import resolution
from marketplace.core.problems import Conflict, FieldError, Invalid, NotFound


class AliasMoved(Conflict):
    """The alias has another target than the caller expected."""

    kind, title = "alias-moved", "The alias was moved in the meantime"


@transaction.atomic
def create_alias(*, actor: Actor, name: str, target: str) -> Alias:
    """Create the alias `name` for `target` in the actor's organisation.

    Args:
        target: `owner/name`, or with a version, for example `owner/name@v2`, to pin it.

    Raises:
        Forbidden: see `policy.require`.
        Invalid: the name or the target is not allowed, or no such model is on sale.
        NameTaken: a model or an alias of the organisation has the name.
    """
    policy.require(actor, Action.CREATE_ALIAS)
    found, pinned = _target(target)
    canonical = claim_name(organization_id=actor.organization_id, name=name, kind=NameKind.ALIAS)
    Alias.objects.create(
        organization_id=actor.organization_id, name=canonical, model_id=found.model_id, version_id=pinned
    )
    alias = _locked(actor, canonical)
    _record(actor, "alias.created", alias, target=alias.target)
    return alias


@transaction.atomic
def move_alias(*, actor: Actor, name: str, target: str, expected: str | None = None) -> Alias:
    """Change the target of an alias. Calls that were admitted before still run the old target.

    Web processes cache resolved names for up to two seconds; until then callers may get the old target.

    Args:
        expected: the current target as the caller knows it; None: any.

    Raises:
        Forbidden: see `policy.require`.
        NotFound: the organisation has no such alias.
        Invalid: the target is not allowed, or is not on sale.
        AliasMoved: the current target is not `expected`; nothing was changed.
    """
    alias = _locked(actor, name)
    policy.require(actor, Action.MOVE_ALIAS)
    before = alias.target
    if expected is not None and expected != before:
        raise AliasMoved(f"{actor.organization_slug}/{alias.name} points to {before} by now. Look again, then move it.")
    found, pinned = _target(target)
    if (alias.model_id, alias.version_id) == (found.model_id, pinned):
        return alias
    Alias.objects.filter(pk=alias.pk).update(model=found.model_id, version=pinned, moved_at=Now())
    alias = _locked(actor, name)
    _record(actor, "alias.moved", alias, before=before, target=alias.target)
    _forget_after_commit(actor, alias.name)
    return alias


@transaction.atomic
def delete_alias(*, actor: Actor, name: str) -> None:
    """Delete an alias: later calls of it are refused, and its name is free.

    Raises:
        Forbidden: see `policy.require`.
        NotFound: the organisation has no such alias.
    """
    alias = _locked(actor, name)
    policy.require(actor, Action.DELETE_ALIAS)
    _record(actor, "alias.deleted", alias, target=alias.target)
    release_name(organization_id=alias.organization_id, name=alias.name)
    alias.delete()
    _forget_after_commit(actor, alias.name)


def _forget_after_commit(actor: Actor, name: str) -> None:
    """Drop this process's snapshot of the name after the commit."""
    reference = Reference(actor.organization_slug, name)
    transaction.on_commit(lambda: resolution.forget(reference, organization_id=actor.organization_id))


def _locked(actor: Actor, name: str) -> Alias:
    alias = (
        Alias.objects.select_for_update(of=("self",))
        .select_related("model__organization", "version")
        .filter(organization=actor.organization_id, name__iexact=name)
        .first()
        if Reference(actor.organization_slug, name).is_possible
        else None
    )
    if alias is None:
        raise NotFound(f'{actor.organization_slug} has no alias "{name[:63]}"')
    return alias


def _target(text: str) -> tuple[CallTarget, str | None]:
    """The model that the text names, and the version if it pins one."""
    reference = parse_reference(text.strip())
    if reference is None:
        wrong = FieldError("target", "Write it as owner/name, or as owner/name@v2 to pin a version")
        raise Invalid("The alias was not changed", errors=[wrong])
    try:
        found = resolution.look_up(reference)
    except NotFound as problem:
        raise Invalid("The alias was not changed", errors=[FieldError("target", problem.detail)]) from None
    return found, found.version if reference.version not in (None, "latest") else None


def _record(actor: Actor, action: str, alias: Alias, **facts: str) -> None:
    audit.record(actor, action=action, subject=str(alias.pk), name=alias.name, **facts)
