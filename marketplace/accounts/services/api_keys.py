import secrets
import uuid
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from marketplace.accounts import policy
from marketplace.accounts.domain import KEY_PREFIX, SHOWN_KEY_CHARACTERS, Actor, is_title
from marketplace.accounts.models import ApiKey
from marketplace.accounts.policy import Action
from marketplace.accounts.selectors import key_hash
from marketplace.accounts.services import audit
from marketplace.core.problems import FieldError, Invalid, NotFound

USE_RESOLUTION = timedelta(minutes=1)


@dataclass(frozen=True)
class NewKey:
    """A newly created key; `secret` is the only copy of the key itself."""

    key: ApiKey
    secret: str


@transaction.atomic
def create_key(*, actor: Actor, name: str) -> NewKey:
    """Create an API key of the actor's organisation. Its scopes do not exceed what its creator may do.

    Raises:
        Forbidden: see `policy.require`.
        Invalid: the name is empty or longer than 60 characters.
    """
    actor = policy.require(actor, Action.CREATE_KEY)
    name = name.strip()
    if not is_title(name, longest=60):
        wrong = FieldError("name", "Name the key after its use, in 1 to 60 characters")
        raise Invalid("The key was not made", errors=[wrong])
    secret = KEY_PREFIX + secrets.token_urlsafe(32)
    key = ApiKey.objects.create(
        organization_id=actor.organization_id,
        name=name,
        prefix=secret[:SHOWN_KEY_CHARACTERS],
        hash=key_hash(secret),
        scopes=sorted(policy.scopes_for(actor.role)),
        created_by_id=actor.user_id,
    )
    audit.record(actor, action="api_key.created", subject=str(key.pk), name=name)
    return NewKey(key, secret)


@transaction.atomic
def revoke_key(*, actor: Actor, key_id: uuid.UUID) -> None:
    """Revoke a key at once. Revoking a revoked key changes nothing.

    Raises:
        Forbidden: see `policy.require`; fewer roles may revoke a key that another member created.
        NotFound: the organisation has no such key.
    """
    policy.require(actor, Action.REVOKE_KEY)
    key = ApiKey.objects.select_for_update().filter(organization=actor.organization_id, pk=key_id).first()
    if key is None:
        raise NotFound("There is no such key")
    if key.created_by_id != actor.user_id:
        policy.require(actor, Action.REVOKE_KEY_OF_OTHERS)
    if key.revoked_at is None:
        key.revoked_at = timezone.now()
        key.save(update_fields=["revoked_at"])
        audit.record(actor, action="api_key.revoked", subject=str(key.pk), name=key.name)


def note_use(*, key_id: uuid.UUID) -> None:
    """Record when a key was last used, to the minute, for people who consider revoking it."""
    unused_since = timezone.now() - USE_RESOLUTION
    ApiKey.objects.filter(Q(last_used_at=None) | Q(last_used_at__lt=unused_since), pk=key_id).update(
        last_used_at=timezone.now()
    )
