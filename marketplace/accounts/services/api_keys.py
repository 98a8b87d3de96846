import secrets
import uuid
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from marketplace.accounts.domain import KEY_PREFIX, SHOWN_KEY_CHARACTERS, is_title
from marketplace.accounts.models import ApiKey, Membership
from marketplace.accounts.selectors import key_hash
from marketplace.accounts.services import audit
from marketplace.accounts.services.members import require_owner
from marketplace.core.problems import FieldError, Invalid, NotFound

USE_RESOLUTION = timedelta(minutes=1)


@dataclass(frozen=True)
class NewKey:
    """A key just made; `secret` is the only copy of the key itself."""

    key: ApiKey
    secret: str


@transaction.atomic
def create_key(*, by: Membership, name: str) -> NewKey:
    """Make an API key of the member's organisation.

    Raises:
        Forbidden: the member is no owner.
        Invalid: the name is empty or longer than 60 characters.
    """
    require_owner(by)
    name = name.strip()
    if not is_title(name, longest=60):
        wrong = FieldError("name", "Name the key after its use, in 1 to 60 characters")
        raise Invalid("The key was not made", errors=[wrong])
    secret = KEY_PREFIX + secrets.token_urlsafe(32)
    key = ApiKey.objects.create(
        organization=by.organization,
        name=name,
        prefix=secret[:SHOWN_KEY_CHARACTERS],
        hash=key_hash(secret),
        created_by=by.user,
    )
    audit.record(action="api_key.created", subject=str(key.pk), organization=by.organization, actor=by.user, name=name)
    return NewKey(key, secret)


@transaction.atomic
def revoke_key(*, by: Membership, key_id: uuid.UUID) -> None:
    """End a key at once. Revoking a revoked key changes nothing.

    Raises:
        Forbidden: the member is no owner.
        NotFound: the organisation has no such key.
    """
    require_owner(by)
    key = by.organization.api_keys.select_for_update().filter(pk=key_id).first()
    if key is None:
        raise NotFound("There is no such key")
    if key.revoked_at is None:
        key.revoked_at = timezone.now()
        key.save(update_fields=["revoked_at"])
        audit.record(
            action="api_key.revoked", subject=str(key.pk), organization=by.organization, actor=by.user, name=key.name
        )


def note_use(*, key_id: uuid.UUID) -> None:
    """Remember that a key was used, to the minute: people look at it before they revoke a key."""
    unused_since = timezone.now() - USE_RESOLUTION
    ApiKey.objects.filter(Q(last_used_at=None) | Q(last_used_at__lt=unused_since), pk=key_id).update(
        last_used_at=timezone.now()
    )
