"""Queries of accounts: organisations of a user, members, keys and audit events."""

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import QuerySet, Window
from django.db.models.functions import RowNumber

from marketplace.accounts.domain import INSTALLATION, Actor, Role, Scope, is_name
from marketplace.accounts.models import ApiKey, AuditEvent, Membership, Organization, User
from marketplace.core.problems import NotFound


def key_hash(key: str) -> str:
    """SHA-256 of an API key, hexadecimal."""
    return hashlib.sha256(key.encode()).hexdigest()


def actor_by_key(key: str) -> Actor | None:
    """The actor of an API key, or None if the key is unknown or revoked."""
    row = ApiKey.objects.select_related("organization").filter(hash=key_hash(key), revoked_at=None).first()
    if row is None:
        return None
    return _actor_for(row.organization, key_id=row.pk, scopes=frozenset(map(Scope, row.scopes)))


def actor_by_upload_link(organization_id: uuid.UUID) -> Actor:
    """The actor of a signed upload link of an organisation. Raises NotFound."""
    row = Organization.objects.filter(pk=organization_id).first()
    if row is None:
        raise NotFound("There is no such organisation")
    return _actor_for(row, scopes=frozenset({Scope.RUN}))


def actor_of(membership: Membership) -> Actor:
    """The actor of a member, for the organisation."""
    return _actor_for(membership.organization, role=Role(membership.role), user_id=membership.user_id)


def operator_of(user: User) -> Actor:
    """The actor of a person, for the installation; `is_operator` is as in the account."""
    return Actor(INSTALLATION, user_id=user.pk, is_operator=user.is_operator)


def platform_for(organization: Organization, *, user_id: uuid.UUID | None = None) -> Actor:
    """The platform as actor for an organisation: for a command of this machine, or work that was approved earlier.

    Args:
        user_id: the person at whose earlier request it acts.
    """
    return _actor_for(organization, user_id=user_id, is_platform=True)


def _actor_for(organization: Organization, **who: Any) -> Actor:
    return Actor(
        organization_id=organization.pk,
        organization_slug=organization.slug,
        can_buy=organization.can_buy,
        can_provide=organization.can_provide,
        **who,
    )


def is_live_key(key_id: uuid.UUID, organization_id: uuid.UUID) -> bool:
    """Whether the key belongs to this organisation and is not revoked."""
    return ApiKey.objects.filter(pk=key_id, organization_id=organization_id, revoked_at=None).exists()


def key_name(key_id: uuid.UUID) -> str:
    """The name of the key."""
    return ApiKey.objects.values_list("name", flat=True).get(pk=key_id)


def organizations_of(user: User) -> QuerySet[Organization]:
    """The organisations of which the user is a member."""
    return Organization.objects.filter(memberships__user=user)


def membership_for(user: User, slug: str) -> Membership:
    """The user's membership of the organisation called `slug`.

    Raises:
        NotFound: the user is not a member, or the organisation does not exist.
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


def membership_by_email(email: str, slug: str) -> Membership:
    """As `membership_for`, for the person with this address. Raises NotFound."""
    user = User.objects.filter(email__iexact=email).first()
    if user is None:
        raise NotFound(f"There is no account of {email}")
    return membership_for(user, slug)


def organization_by_slug(slug: str) -> Organization | None:
    """The organisation with this slug, in any case; None if there is none."""
    return Organization.objects.filter(slug__iexact=slug).first() if is_name(slug) else None


def organization_names(ids: Iterable[str]) -> dict[str, str]:
    """The names of these organisations by id, for pages that name the other party; other texts are left out."""
    known = {found for text in ids if (found := _parsed(text)) is not None}
    return {str(pk): name for pk, name in Organization.objects.filter(pk__in=known).values_list("pk", "name")}


def _parsed(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def organizations_starting(text: str) -> QuerySet[Organization]:
    """For operators: the organisations whose slug starts with the text, in any case, newest first."""
    found = Organization.objects.order_by("-id")
    return found.filter(slug__startswith=text.lower()) if text else found  # slugs are stored in lower case


def people_starting(text: str) -> QuerySet[User]:
    """For operators: the people whose email address starts with the text, in any case, newest first."""
    found = User.objects.order_by("-id")
    return found.filter(email__startswith=text.lower()) if text else found


def organization_by_id(organization_id: uuid.UUID) -> Organization:
    """For operators. Raises NotFound."""
    found = Organization.objects.filter(pk=organization_id).first()
    if found is None:
        raise NotFound("There is no such organisation")
    return found


def person_by_id(user_id: uuid.UUID) -> User:
    """For operators. Raises NotFound."""
    found = User.objects.filter(pk=user_id).first()
    if found is None:
        raise NotFound("There is no such person")
    return found


def memberships_of(user: User) -> QuerySet[Membership]:
    """The memberships of a person, oldest first."""
    return user.memberships.select_related("organization").order_by("created_at", "id")


def members_of(organization: Organization) -> QuerySet[Membership]:
    """The memberships of an organisation, oldest first."""
    return organization.memberships.select_related("user").order_by("created_at", "id")


def keys_of(organization: Organization) -> QuerySet[ApiKey]:
    """The API keys of an organisation, newest first, revoked ones included."""
    return organization.api_keys.select_related("created_by")


def newest_audit_events(
    organization: Organization, *, subjects: Sequence[str], limit: int
) -> dict[str, list[AuditEvent]]:
    """The newest audit events of each of these subjects of an organisation, at most `limit` each, newest first."""
    newest = Window(RowNumber(), partition_by="subject", order_by=["-at", "-pk"])
    found: dict[str, list[AuditEvent]] = {subject: [] for subject in subjects}
    events = AuditEvent.objects.filter(organization=organization, subject__in=subjects).annotate(place=newest)
    for event in events.filter(place__lte=limit).select_related("actor", "api_key").order_by("-at", "-pk"):
        found[event.subject].append(event)
    return found
