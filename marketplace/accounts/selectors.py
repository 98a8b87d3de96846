"""Reading accounts: who may see which organisation, whose key this is."""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from marketplace.accounts.domain import Role, is_name
from marketplace.accounts.models import ApiKey, AuditEvent, Membership, Organization, User
from marketplace.core.problems import NotFound


@dataclass(frozen=True)
class Caller:
    """Whoever a request speaks for: an organisation, through a key or through a signed-in member."""

    organization_id: uuid.UUID
    organization_slug: str
    can_buy: bool
    key_id: uuid.UUID | None = None
    user_id: uuid.UUID | None = None


def key_hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def caller_by_key(key: str) -> Caller | None:
    """The caller of a live API key, or None if the key is unknown or revoked."""
    row = ApiKey.objects.select_related("organization").filter(hash=key_hash(key), revoked_at=None).first()
    if row is None:
        return None
    return Caller(
        organization_id=row.organization_id,
        organization_slug=row.organization.slug,
        can_buy=row.organization.can_buy,
        key_id=row.pk,
    )


def buyer_by_id(organization_id: uuid.UUID) -> Caller:
    """The caller behind a link that was signed for an organisation. Raises NotFound."""
    row = Organization.objects.filter(pk=organization_id).first()
    if row is None:
        raise NotFound("There is no such organisation")
    return Caller(organization_id=row.pk, organization_slug=row.slug, can_buy=row.can_buy)


def is_live_key(key_id: uuid.UUID, organization_id: uuid.UUID) -> bool:
    """Whether the key still speaks for this organisation."""
    return ApiKey.objects.filter(pk=key_id, organization_id=organization_id, revoked_at=None).exists()


def key_name(key_id: uuid.UUID) -> str:
    """What people called the key."""
    return ApiKey.objects.values_list("name", flat=True).get(pk=key_id)


def caller_by_member(user: User, organization: Organization) -> Caller:
    """The caller that a signed-in member is for one of their organisations."""
    return Caller(
        organization_id=organization.pk,
        organization_slug=organization.slug,
        can_buy=organization.can_buy,
        user_id=user.pk,
    )


def organizations_of(user: User) -> QuerySet[Organization]:
    return Organization.objects.filter(memberships__user=user)


def membership_for(user: User, slug: str) -> Membership:
    """The user's membership of the organisation called `slug`.

    Raises:
        NotFound: there is none, whether or not the organisation exists.
    """
    membership = (
        Membership.objects.select_related("organization", "user")
        .filter(user=user, organization__slug__iexact=slug)
        .first()
        if is_name(slug)
        else None
    )
    if membership is None:
        raise NotFound(f'There is no organisation "{slug[:63]}" of which you are a member')
    return membership


def organization_by_slug(slug: str) -> Organization | None:
    return Organization.objects.filter(slug__iexact=slug).first() if is_name(slug) else None


def organization_names() -> dict[str, str]:
    """Names of all organisations by id, for statements that name the other party."""
    return {str(pk): name for pk, name in Organization.objects.values_list("pk", "name")}


def members_of(organization: Organization) -> QuerySet[Membership]:
    return organization.memberships.select_related("user").order_by("created_at")


def keys_of(organization: Organization) -> QuerySet[ApiKey]:
    return organization.api_keys.select_related("created_by")


def owners_of(organization: Organization) -> int:
    return organization.memberships.filter(role=Role.OWNER).count()


def audit_events(organization: Organization, *, subjects: Sequence[str]) -> QuerySet[AuditEvent]:
    """What was done to these things of an organisation, newest first."""
    return (
        AuditEvent.objects.filter(organization=organization, subject__in=subjects)
        .select_related("actor")
        .order_by("-at", "-pk")
    )
